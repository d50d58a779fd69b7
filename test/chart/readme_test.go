package chart

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block returns what stands in a section of the chart's README as code of a language; "" are commands.
func block(t *testing.T, section, language string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(chart, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	found := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1)
	if len(found) != 1 {
		t.Fatalf("section %q has %d blocks of %q", section, len(found), language)
	}
	return found[0][1]
}

// TestTheValuesOfTheREADMEAreTaken: they are copied.
func TestTheValuesOfTheREADMEAreTaken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(block(t, "Install", "yaml")), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := template(t, nil, "--values", file)
	if err != nil {
		t.Fatal(err)
	}
	if all, mirrored := strings.Count(text, `image: "`), strings.Count(text, `image: "mirror.example.com/kymaros/kymaros@sha256:`); mirrored < 8 || mirrored != all {
		t.Errorf("%d of %d images are those of the mirror", mirrored, all)
	}
}

package explain

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryReasonOfTheAPIIsExplained(t *testing.T) {
	source, err := os.ReadFile("../../apis/restore/v1alpha1/conditions.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`Reason\w+\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(all) < 50 || len(all) != len(meanings) {
		t.Errorf("the API has %d reasons, and %d are explained", len(all), len(meanings))
	}
	for _, match := range all {
		e, err := Of(strings.ToLower(match[1]))
		if err != nil || e.Reason != match[1] || len(e.Meaning) < 10 || e.Class == "" {
			t.Errorf("%s: %+v %v", match[1], e, err)
		}
		if classes[e.Class] == "" {
			t.Errorf("%s is of class %q, which says nothing", match[1], e.Class)
		}
	}
}

func TestAReasonThatIsAlmostRightIsFound(t *testing.T) {
	for written, want := range map[string]string{"Unproven": "did you mean IsolationUnproven", "volumeunprovenx": "did you mean VolumeUnproven", "zzz": "lists all"} {
		if _, err := Of(written); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", written, err, want)
		}
	}
	if _, err := Of("un"); err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("two letters may mean anything: %v", err)
	}
}

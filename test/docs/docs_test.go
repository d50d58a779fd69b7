package docs

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"k8s.io/apimachinery/pkg/util/sets"
)

const root = "../.."

// pages returns the pages of the project.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all, err := Pages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 8 {
		t.Fatalf("only %d pages: %q", len(all), slices.Sorted(maps.Keys(all)))
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

var (
	fenced  = regexp.MustCompile("(?s)```.*?```")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

// anchors returns what a link may name of a page, as GitHub makes it of headings.
func anchors(page string) sets.Set[string] {
	all := sets.New[string]()
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		all.Insert(strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[1]))
	}
	return all
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	all, checked := pages(t), 0
	for name, page := range all {
		for _, match := range link.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			checked++
			path, anchor, _ := strings.Cut(match[1], "#")
			to := name
			if path != "" {
				to = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s links to %s: %v", name, match[1], err)
			} else if anchor != "" && !anchors(all[to]).Has(anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", name, match[1], to)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links were found", checked)
	}
}

// Of the tree: a file that moved is named where it was. Names with a placeholder or a star stand for many.
var path = regexp.MustCompile("`((?:cmd|pkg|hack|manifests|test)/[a-zA-Z0-9._/-]+)`")

func TestEveryPathIsThere(t *testing.T) {
	checked := 0
	for name, page := range pages(t) {
		for _, match := range path.FindAllStringSubmatch(page, -1) {
			checked++
			if _, err := os.Stat(filepath.Join(root, match[1])); err != nil {
				t.Errorf("%s names %s: %v", name, match[1], err)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d paths were found", checked)
	}
}

func TestAQuestionHasOneAnswer(t *testing.T) {
	_, table, found := strings.Cut(read(t, "test/README.md"), "## Where is it decided")
	if !found {
		t.Fatal("test/README.md has no questions")
	}
	rows := regexp.MustCompile(`(?m)^\| .*\? \| (.*) \|$`).FindAllStringSubmatch(table, -1)
	if len(rows) < 20 {
		t.Errorf("%d questions, want twenty at least", len(rows))
	}
	for _, row := range rows {
		if !path.MatchString(row[1]) || strings.Count(row[1], "`") != 2 {
			t.Errorf("%s: want one path", row[0])
		}
	}
}

// Three minutes, at some 250 words a minute.
func TestTheFirstPageIsRead(t *testing.T) {
	words := len(strings.Fields(read(t, "README.md")))
	if words > 750 {
		t.Errorf("README.md has %d words; move what is not for newcomers to where it belongs", words)
	}
}

package cases

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// images are those that the test cluster has. It has no Internet.
var images = []string{"docker.io/kymaros/busybox:1", "docker.io/kymaros/demo-web:1", "docker.io/kymaros/demo-postgres:15"}

func TestEveryCaseIsWhole(t *testing.T) {
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 17 {
		t.Errorf("%d cases", len(names))
	}
	numbers := map[string]string{}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := Load(name, "123456", "tests")
			if err != nil {
				t.Fatal(err)
			}
			if other := numbers[r.NS]; other != "" || !regexp.MustCompile(`^case-\d\db?-123456$`).MatchString(r.NS) {
				t.Errorf("namespace %s (also of %q)", r.NS, other)
			}
			numbers[r.NS] = name
			told(t, r)
			rightForEachTest(t, r)
			ownNames(t, r)
			scripts(t, r)
			for _, o := range r.App {
				containers(t, o.GetKind()+" "+o.GetName(), o.Object)
			}
		})
	}
}

func told(t *testing.T, r *Run) {
	if r.Kind != "Case" || len(r.Story) < 80 || len(r.Source) == 0 {
		t.Errorf("kind %q, story %q, sources %v", r.Kind, r.Story, r.Source)
	}
	for _, source := range r.Source {
		if u, err := url.Parse(source); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("%q is no address of a report", source)
		}
	}
	if len(r.Backups) == 0 {
		t.Error("no backup")
	}
}

func rightForEachTest(t *testing.T, r *Run) {
	tests := named(r.RestoreTests)
	slices.Sort(tests)
	if known := slices.Sorted(maps.Keys(r.Case.Tests)); !slices.Equal(tests, known) || len(tests) == 0 {
		t.Errorf("RestoreTests %v, verdicts for %v", tests, known)
	}
	for name, right := range r.Case.Tests {
		if len(right.Result) == 0 {
			t.Errorf("%s: no result", name)
		}
		for _, result := range right.Result {
			if !slices.Contains([]string{"pass", "partial", "fail", "inconclusive"}, result) {
				t.Errorf("%s: result %q", name, result)
			}
		}
	}
	if r.Alike && len(tests) < 2 {
		t.Error("one test is always like itself")
	}
}

// scripts fails t for scripts that bash does not understand.
func scripts(t *testing.T, r *Run) {
	for name, text := range map[string]string{"setup": r.Setup, "betweenBackups": r.BetweenBackups, "afterBackup": r.AfterBackup, "meanwhile": r.Meanwhile, "cleanUp": r.CleanUp} {
		bash := exec.Command("bash", "-n")
		bash.Stdin = strings.NewReader(text)
		if said, err := bash.CombinedOutput(); err != nil || len(said) > 0 {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}

// ownNames fails t if two runs, or two cases, could meet in an object.
func ownNames(t *testing.T, r *Run) {
	for _, o := range slices.Concat(r.App, r.Backups, r.RestoreTests) {
		shared := clusterScoped[o.GetKind()] || o.GetNamespace() != r.NS && !strings.HasPrefix(o.GetNamespace(), r.NS+"-")
		if shared && !strings.HasPrefix(o.GetName(), r.NS) {
			t.Errorf("%s %s does not begin with %s", o.GetKind(), o.GetName(), r.NS)
		}
		if o.GetName() == "" || o.GetAPIVersion() == "" {
			t.Errorf("no object: %v", o.Object)
		}
	}
}

// containers fails t for containers below v without requests, or whose image the cluster does not have.
func containers(t *testing.T, where string, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			containers(t, where, e)
		}
	case map[string]any:
		if image, ok := v["image"].(string); ok {
			if !slices.Contains(images, image) {
				t.Errorf("%s: image %s is not in the cluster", where, image)
			}
			for _, resource := range []string{"cpu", "memory"} {
				if _, ok, err := unstructured.NestedString(v, "resources", "requests", resource); !ok || err != nil {
					t.Errorf("%s: container %v requests no %s", where, v["name"], resource)
				}
			}
		}
		for _, e := range v {
			containers(t, where, e)
		}
	}
}

func TestWhatIsWrong(t *testing.T) {
	seen := Observed{Result: "partial", Reason: "NotChecked", Texts: []string{"no policy"}, CleanedUp: time.Minute, VeleroBusy: time.Minute}
	for name, c := range map[string]struct {
		right string
		seen  func(*Observed)
		want  []string
	}{
		"a result that is allowed is right":               {right: `{"result": ["pass", "partial"]}`},
		"another result is wrong":                         {right: `{"result": ["pass", "fail"]}`, want: []string{"result partial, want pass or fail"}},
		"a reason that is not listed is wrong":            {right: `{"result": ["partial"], "reason": ["Passed"]}`, want: []string{"reason NotChecked, want Passed"}},
		"a reason that is ruled out is wrong":             {right: `{"result": ["partial"], "neverReason": ["NotChecked"]}`, want: []string{"reason NotChecked"}},
		"words are found whatever the case":               {right: `{"result": ["partial"], "says": ["No POLICY"]}`},
		"words that are missing are wrong":                {right: `{"result": ["partial"], "says": ["gate"]}`, want: []string{`nothing says "gate"`}},
		"words that are ruled out are wrong":              {right: `{"result": ["partial"], "neverSays": ["policy"]}`, want: []string{`must not say "policy": no policy`}},
		"cleaned up in time is right":                     {right: `{"result": ["partial"], "cleanedUpWithin": "1m"}`},
		"cleaned up too late is wrong":                    {right: `{"result": ["partial"], "cleanedUpWithin": "59s"}`, want: []string{"cleaned up after 1m0s, want 59s"}},
		"never cleaned up is wrong without a bound":       {right: `{"result": ["partial"]}`, seen: func(o *Observed) { o.CleanedUp = -1 }, want: []string{"cleaned up never, want 3m0s"}},
		"Velero free too late is wrong":                   {right: `{"result": ["partial"], "veleroFreeWithin": "30s"}`, want: []string{"Velero free after 1m0s, want 30s"}},
		"Velero never free is wrong if that is looked at": {right: `{"result": ["partial"], "veleroFreeWithin": "30s"}`, seen: func(o *Observed) { o.VeleroBusy = -1 }, want: []string{"Velero free never, want 30s"}},
		"Velero never free is not looked at otherwise":    {right: `{"result": ["partial"]}`, seen: func(o *Observed) { o.VeleroBusy = -1 }},
	} {
		t.Run(name, func(t *testing.T) {
			var right Right
			if err := json.Unmarshal([]byte(c.right), &right); err != nil {
				t.Fatal(err)
			}
			o := seen
			if c.seen != nil {
				c.seen(&o)
			}
			if got := right.Wrong(o); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTextsAreThoseOfFieldsNotTheirNames(t *testing.T) {
	got := texts(map[string]any{"message": "a\nb", "list": []any{"c", map[string]any{"d": "e"}}, "score": int64(1)})
	slices.Sort(got)
	if want := []string{"a b", "c", "e"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAScriptThatHangsFailsItsCaseAlone(t *testing.T) {
	cause := errors.New("not through in time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, cause)
	defer cancel()
	began := time.Now()
	err := (&stage.Cluster{}).Script(ctx, "echo begun; sleep 60; true") // sleep holds the output open
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "begun") || time.Since(began) > 30*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

func TestWhatAScriptSaysIsInItsError(t *testing.T) {
	err := (&stage.Cluster{}).Script(t.Context(), `read -r line || true; echo "no $WHAT" >&2; false`, "WHAT=gate")
	if err == nil || !strings.Contains(err.Error(), "no gate") || strings.Contains(err.Error(), "read -r") {
		t.Error(err)
	}
}

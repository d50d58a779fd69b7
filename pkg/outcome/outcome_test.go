package outcome

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const root = "../.."

// reasons are the values of all constants of the API whose names begin with Reason, by name.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), root+"/pkg/apis/restore/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all[spec.Names[0].Name] = value
		return true
	})
	if len(all) < 50 {
		t.Fatalf("only %d reasons were found", len(all))
	}
	return all
}

func TestEveryReasonHasAClassAndARemedy(t *testing.T) {
	known := map[string]bool{}
	for name, reason := range reasons(t) {
		known[reason] = true
		o, ok := outcomes[reason]
		switch {
		case !ok:
			t.Errorf("%s has no class", name)
		case o.Class == Passed || o.Class == Pending:
			if o.Remedy != "" {
				t.Errorf("%s is %s, and says what to do: %q", name, o.Class, o.Remedy)
			}
		case !strings.HasSuffix(o.Remedy, "."):
			t.Errorf("%s has no sentence that says what to do: %q", name, o.Remedy)
		case strings.Contains(o.Remedy, "-n velero"):
			t.Errorf("%s names a namespace that Velero need not be in: %q", name, o.Remedy)
		}
	}
	for reason := range outcomes {
		if !known[reason] {
			t.Errorf("there is no reason %s", reason)
		}
	}
}

func TestOnlyTheBackupIsBlamedForNotRestoring(t *testing.T) {
	for reason, o := range outcomes {
		if o.Class != Backup && strings.Contains(o.Remedy, "does not restore") {
			t.Errorf("%s is of class %s and says %q", reason, o.Class, o.Remedy)
		}
	}
}

func TestTheResultFollowsTheClass(t *testing.T) {
	for reason, want := range map[string]v1alpha1.Result{
		v1alpha1.ReasonPassed:                 v1alpha1.ResultPass,
		v1alpha1.ReasonCheckFailed:            v1alpha1.ResultFail,
		v1alpha1.ReasonBlockedBySandboxPolicy: v1alpha1.ResultPartial,
		v1alpha1.ReasonNameTaken:              v1alpha1.ResultInconclusive,
		v1alpha1.ReasonQueued:                 v1alpha1.ResultInconclusive,
		"SomethingNobodyKnows":                v1alpha1.ResultInconclusive,
	} {
		if got := Result(reason); got != want {
			t.Errorf("%s is %s, want %s", reason, got, want)
		}
	}
	if Blames(v1alpha1.ReasonBlockedBySandboxPolicy) || !Blames(v1alpha1.ReasonVolumeUnproven) {
		t.Error("the backup is blamed for what the sandbox does, or not for what it lacks")
	}
}

// A reason that no test names is one that perhaps nothing produces.
func TestEveryReasonIsNamedByATest(t *testing.T) {
	named := map[string]bool{}
	for _, dir := range []string{"cmd", "pkg", "test"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, root+"/pkg/outcome/") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					named[n.Name] = true
				case *ast.BasicLit:
					if value, err := strconv.Unquote(n.Value); err == nil {
						named[value] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, reason := range reasons(t) {
		if !named[name] && !named[reason] {
			t.Errorf("no test names %s", name)
		}
	}
}

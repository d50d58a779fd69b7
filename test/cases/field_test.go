package cases

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

var (
	list  = flag.Bool("list-cases", false, "tell which cases there are, and run nothing")
	quick = flag.Bool("quick", false, "run the quick cases only")
)

// defaultClass is the annotation of a StorageClass that claims without one get.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// parallel is how many cases run at a time. Their restores wait for each other anyway.
const parallel = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if *list {
		os.Exit(listCases())
	}
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

func listCases() int {
	names, err := Names()
	for _, name := range names {
		r, loadErr := Load(name, "list", "tests")
		if loadErr != nil {
			fmt.Fprintln(os.Stderr, loadErr)
			return 1
		}
		fmt.Printf("%s\n\t%s\n\t%s\n", name, r.Story, strings.Join(r.Source, "\n\t"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestFieldCases runs every case. Its subtests are the cases, by number and name.
func TestFieldCases(t *testing.T) {
	names, err := Names()
	if err != nil {
		t.Fatal(err)
	}
	f := &field{cluster: sync.OnceValues(func() (*stage.Cluster, error) { return up(t) })}
	t.Cleanup(func() { f.print(t) })
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			r, err := Load(name, "0", "tests")
			if err != nil {
				t.Fatal(err)
			}
			if *quick && !r.Quick {
				t.Skip("not a quick case")
			}
			c, err := f.cluster()
			if err != nil {
				t.Fatal(err)
			}
			t.Parallel()
			if r.WholeNode {
				f.node.Lock()
				defer f.node.Unlock()
			}
			if r, err = Load(name, c.Suffix, c.Tests); err != nil {
				t.Fatal(err)
			}
			f.run(t, &scene{Run: r, cluster: c})
		})
	}
}

// up starts the cluster, with a namespace for RestoreTests until t ends.
func up(t *testing.T) (*stage.Cluster, error) {
	ctx := t.Context()
	c, err := stage.Up(ctx)
	if err != nil {
		return nil, err
	}
	if err := hasDefaultClass(ctx, c); err != nil {
		return nil, err
	}
	if err := c.CreateNamespace(ctx, c.Tests); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := c.DeleteNamespaces(context.WithoutCancel(ctx), c.Tests); err != nil {
			t.Error(err)
		}
	})
	return c, nil
}

// hasDefaultClass returns an error if claims that name no class, as most here do, would wait for ever.
func hasDefaultClass(ctx context.Context, c *stage.Cluster) error {
	classes, err := c.Kube.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, class := range classes.Items {
		if class.Annotations[defaultClass] == "true" {
			return nil
		}
	}
	return errors.New("the cluster has no default StorageClass: kubectl annotate storageclass local-path " + defaultClass + "=true")
}

// field is what the cases share.
type field struct {
	cluster func() (*stage.Cluster, error)
	node    sync.Mutex // held by the case that has most of the node

	mu   sync.Mutex
	rows []row
}

// row is a line of the table.
type row struct {
	test, right, observed string
	wrong                 []string
}

// String is the line.
func (r row) String() string {
	verdict := "ok"
	if len(r.wrong) > 0 {
		verdict = "NOT"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", r.test, r.right, r.observed, verdict, strings.ReplaceAll(strings.Join(r.wrong, "; "), "\n", " "))
}

// run stages a case and notes what came of it.
func (f *field) run(t *testing.T, s *scene) {
	t.Cleanup(func() { s.strike(t) })
	if err := s.prepare(t.Context()); err != nil {
		f.note(t, row{test: s.NS, right: "a stage", observed: "none", wrong: []string{err.Error()}})
		t.Fatalf("the case could not be staged: %v", err)
	}
	observed, held, err := s.play(t.Context())
	if err != nil {
		f.note(t, row{test: s.NS, right: "a run", observed: "none", wrong: []string{err.Error()}})
		t.Fatal(err)
	}
	var wrong []string
	for i, rt := range s.RestoreTests {
		w := s.Case.Tests[rt.GetName()].Wrong(observed[i])
		if i == 0 {
			w = append(w, alike(s, observed)...)
			w = append(w, held...)
		}
		f.note(t, row{test: rt.GetName(), right: s.Case.Tests[rt.GetName()].String(), observed: observed[i].String(), wrong: w})
		wrong = append(wrong, w...)
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if t.Failed() {
		for i, rt := range s.RestoreTests {
			t.Logf("%s: %s: %s\n%s", rt.GetName(), observed[i], observed[i].Message, s.story(t.Context(), rt))
		}
	}
}

func alike(s *scene, observed []Observed) []string {
	if !s.Alike {
		return nil
	}
	for _, o := range observed[1:] {
		if o.Result != observed[0].Result {
			return []string{fmt.Sprintf("results differ: %s and %s", observed[0], o)}
		}
	}
	return nil
}

// note keeps a line for the table, and tells it at once: of a run that is broken off there is no table.
func (f *field) note(t *testing.T, r row) {
	t.Log(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, r)
}

// print writes the table: each test, what is right, what was observed, and what of it is wrong.
func (f *field) print(t *testing.T) {
	slices.SortFunc(f.rows, func(a, b row) int { return strings.Compare(a.test, b.test) })
	var b strings.Builder
	good := 0
	for _, r := range f.rows {
		if len(r.wrong) == 0 {
			good++
		}
		fmt.Fprintln(&b, r)
	}
	t.Logf("%d of %d tests are right\n| test | right | observed | | wrong |\n| --- | --- | --- | --- | --- |\n%s", good, len(f.rows), b.String())
}

func named(objects []*unstructured.Unstructured) []string {
	var names []string
	for _, o := range objects {
		names = append(names, o.GetName())
	}
	return names
}

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/test/fuzz"
	"github.com/kymaros/kymaros/test/plane"
)

var (
	fuzzRequests = flag.Int("fuzz-requests", 1500, "with TestNothingOutsideOfSandboxesIsChangedByRandomRequests: how many")
	fuzzSeed     = flag.Uint64("fuzz-seed", 0, "with it: the seed that a failure has told; 0 for a new one")
	fuzzWithout  = flag.String("fuzz-without", "", "with it: fail for want of the binding of that policy, or of its validation after a slash: kymaros-writes-own/2")
)

const (
	// fuzzAgent is in the managedFields of what requests have written.
	fuzzAgent = "kymaros-fuzz"
	// fuzzLook is after how many requests all is looked at.
	fuzzLook = 300
)

// TestNothingOutsideOfSandboxesIsChangedByRandomRequests makes random requests with the tokens of the controller and of the prober, as
// somebody would who has stolen both: what the one may not, the other is asked for. It looks whether anything outside of sandboxes differs afterwards but for what SECURITY.md says.
func TestNothingOutsideOfSandboxesIsChangedByRandomRequests(t *testing.T) {
	plane.Slow(t)
	f := newFuzzing(t)
	began := time.Now()
	for n := range *fuzzRequests {
		f.send(t, n)
		if (n+1)%fuzzLook == 0 || n+1 == *fuzzRequests {
			f.compare(t)
		}
		if t.Failed() {
			t.Fatalf("after %d requests; go on with: -fuzz-seed %d", n+1, f.seed)
		}
	}
	t.Logf("seed %d: %d requests in %v: %s", f.seed, *fuzzRequests, time.Since(began).Round(time.Second), f.counts())
	if f.all.accepted*5 < *fuzzRequests {
		t.Errorf("%d of %d requests were accepted: too few to prove anything", f.all.accepted, *fuzzRequests)
	}
}

// fuzzing is one series of requests.
type fuzzing struct {
	seed      uint64
	generator *fuzz.Generator
	holders   []asked // who has stolen a token
	outside   *outside
	before    map[string]string
	// since are the requests that were accepted since the last look.
	since []fuzz.Request
	// born tells when namespaces were created.
	born map[string]time.Time
	all  tally
	by   map[string]*tally // by what was written
}

// tally counts answers.
type tally struct {
	requests, accepted int
	others             map[string]int // policies, RBAC, and reasons of the API server
}

func (a *tally) add(answer string) {
	a.requests++
	if answer == allowed {
		a.accepted++
		return
	}
	if a.others == nil {
		a.others = map[string]int{}
	}
	a.others[answer]++
}

func (a *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d, accepted %d (%d %%)", a.requests, a.accepted, 100*a.accepted/max(a.requests, 1))
	for _, answer := range slices.Sorted(maps.Keys(a.others)) {
		fmt.Fprintf(&b, ", %s %d", answer, a.others[answer])
	}
	return b.String()
}

func (f *fuzzing) counts() string {
	text := f.all.String()
	for _, what := range slices.Sorted(maps.Keys(f.by)) {
		text += "\n" + what + ": " + f.by[what].String()
	}
	return text
}

func newFuzzing(t *testing.T) *fuzzing {
	t.Helper()
	holdRestores(t, fuzzWorld.Test)
	fuzzScene(t)
	f := &fuzzing{seed: *fuzzSeed, born: map[string]time.Time{}, by: map[string]*tally{}}
	t.Cleanup(func() {
		fuzzCleanup(context.WithoutCancel(t.Context()), t, slices.Collect(maps.Keys(f.born)))
	})
	installFence(t, fuzzHole(t))
	if f.seed == 0 {
		f.seed = uint64(time.Now().UnixNano())
	}
	f.generator = fuzz.New(f.seed, fuzzWorld)
	for _, who := range []actor{theController, theProber} {
		config := rest.CopyConfig(configOf(who))
		config.UserAgent = fuzzAgent
		config.WarningHandler = rest.NoWarnings{}
		var h asked
		var errs [2]error
		h.objects, errs[0] = dynamic.NewForConfig(config)
		h.kube, errs[1] = kubernetes.NewForConfig(config)
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		f.holders = append(f.holders, h)
	}
	var errs [2]error
	f.outside, errs[0] = newOutside(t.Context())
	f.before, errs[1] = f.outside.look(t.Context())
	if err := errors.Join(errs[:]...); err != nil || len(f.before) == 0 {
		t.Fatalf("%d objects, %v", len(f.before), err)
	}
	return f
}

// fuzzHole returns the change of the fence that -fuzz-without asks for.
func fuzzHole(t *testing.T) func(*unstructured.Unstructured) {
	policy, index, ofPolicy := strings.Cut(*fuzzWithout, "/")
	return func(o *unstructured.Unstructured) {
		if o.GetName() != policy || (o.GetKind() == "ValidatingAdmissionPolicy") != ofPolicy {
			return
		}
		if !ofPolicy { // a binding that only audits refuses nothing
			if err := unstructured.SetNestedSlice(o.Object, []any{"Audit"}, "spec", "validationActions"); err != nil {
				t.Fatal(err)
			}
			return
		}
		validations, _, _ := unstructured.NestedSlice(o.Object, "spec", "validations")
		n, err := strconv.Atoi(index)
		if err != nil || n >= len(validations) {
			t.Fatalf("%s has %d validations, and none called %q", policy, len(validations), index)
		}
		validations[n] = map[string]any{"expression": "true"}
		if err := unstructured.SetNestedSlice(o.Object, validations, "spec", "validations"); err != nil {
			t.Fatal(err)
		}
	}
}

// send makes the next request, and fails t if it is a Restore that may not be accepted.
func (f *fuzzing) send(t *testing.T, n int) {
	t.Helper()
	r := f.generator.Next()
	made, err := f.try(t.Context(), r)
	answer := answerOf(err)
	f.all.add(answer)
	what := r.Verb + " " + r.Resource.Resource
	if f.by[what] == nil {
		f.by[what] = &tally{}
	}
	f.by[what].add(answer)
	if answer != allowed || apierrors.IsAlreadyExists(err) {
		return
	}
	f.since = append(f.since, r)
	if r.Verb != "create" {
		return
	}
	switch r.Resource {
	case namespaces:
		f.born[made.GetName()] = time.Now()
	case restores:
		for _, wrong := range fuzz.Wrong(made, f.targets(t, made)) {
			t.Errorf("request %d was accepted: %s\n%s", n, wrong, r)
		}
	}
}

// targets returns which of the namespaces exist that the Restore maps to. The API server looks them up in a cache, which may not
// have what was created this second.
func (f *fuzzing) targets(t *testing.T, restore *unstructured.Unstructured) map[string]*fuzz.Sandbox {
	t.Helper()
	existing := map[string]*fuzz.Sandbox{}
	for _, name := range fuzz.Targets(restore) {
		ns, err := objects.Resource(namespaces).Get(t.Context(), name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || strings.TrimSpace(name) != name || time.Since(f.born[name]) < time.Second {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		existing[name] = fuzz.SandboxOf(name, ns.GetLabels(), ns.GetAnnotations())
	}
	return existing
}

// try makes the request. Of an update it reads what there is as an administrator: reads are not what this is about.
func (f *fuzzing) try(ctx context.Context, r fuzz.Request) (made *unstructured.Unstructured, err error) {
	for _, h := range f.holders {
		if made, err = tryAs(ctx, h, r); err == nil || answerOf(err) == allowed {
			return made, err
		}
	}
	return made, err
}

func tryAs(ctx context.Context, f asked, r fuzz.Request) (*unstructured.Unstructured, error) {
	resource, administrators := dynamic.ResourceInterface(f.objects.Resource(r.Resource)), dynamic.ResourceInterface(objects.Resource(r.Resource))
	if r.Namespace != "" {
		resource, administrators = f.objects.Resource(r.Resource).Namespace(r.Namespace), objects.Resource(r.Resource).Namespace(r.Namespace)
	}
	var sub []string
	if r.Sub != "" {
		sub = []string{r.Sub}
	}
	body := &unstructured.Unstructured{Object: r.Body}
	switch r.Verb {
	case "create":
		return resource.Create(ctx, body, metav1.CreateOptions{}, sub...)
	case "apply":
		return resource.Apply(ctx, r.Name, body, metav1.ApplyOptions{FieldManager: fuzzAgent, Force: true}, sub...)
	case "patch":
		patch, err := json.Marshal(r.Body)
		if err != nil {
			return nil, err
		}
		return resource.Patch(ctx, r.Name, types.MergePatchType, patch, metav1.PatchOptions{}, sub...)
	case "update":
		now, err := administrators.Get(ctx, r.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		r.Edit(now.Object)
		return resource.Update(ctx, now, metav1.UpdateOptions{}, sub...)
	case "delete":
		return nil, resource.Delete(ctx, r.Name, metav1.DeleteOptions{}, sub...)
	case "connect":
		err := f.kube.CoreV1().RESTClient().Post().Namespace(r.Namespace).Resource(r.Resource.Resource).Name(r.Name).SubResource(r.Sub).
			Param("command", "true").Do(ctx).Error()
		if apierrors.IsBadRequest(err) || apierrors.IsInternalError(err) {
			err = nil // admitted: the pod runs nowhere
		}
		return nil, err
	}
	return nil, errors.New("no verb " + r.Verb)
}

// answerOf tells who refused: a policy, RBAC, or the API server for a reason of its own.
func answerOf(err error) string {
	if by, failed := outcome(err); by != "" && failed != nil {
		return by + " by an error of its own"
	} else if by != "" {
		return by
	}
	if reason := apierrors.ReasonForError(err); reason != metav1.StatusReasonUnknown {
		return string(reason)
	}
	return "not made: " + err.Error()
}

// compare fails t if anything outside of sandboxes differs from before, and names the requests that can have done it.
func (f *fuzzing) compare(t *testing.T) {
	t.Helper()
	after, err := f.outside.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	keys := maps.Clone(f.before)
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if diff := cmp.Diff(f.before[key], after[key]); diff != "" {
			t.Errorf("%s differs:\n%s%s", key, diff, f.culprits(key))
		}
	}
	f.since = nil
}

// culprits are the accepted requests about the object, or about its namespace; or else all since the last look.
func (f *fuzzing) culprits(key string) string {
	var about, all []string
	resource, path, _ := strings.Cut(key, " ")
	namespace, _, _ := strings.Cut(path, "/")
	for _, r := range f.since {
		all = append(all, r.String())
		if keyOf(r.Resource, r.Namespace, r.Name) == resource+" "+path || namespace != "" && r.Resource == namespaces && r.Name == namespace {
			about = append(about, r.String())
		}
	}
	if len(about) == 0 {
		about = all
	}
	return "accepted requests that can have done it:\n" + strings.Join(about, "\n")
}

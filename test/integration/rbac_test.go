package integration

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/test/audit"
)

var update = flag.Bool("update", false, "write the files in testdata/rbac instead of comparing with them")

// someSandbox is named as sandboxes are, and default stands for production. The API server tells what somebody may do in a
// namespace whether there is one or not.
const someSandbox = "rp-test-shop-abc123"

// TestPermissions compares what the API server says that each of our ServiceAccounts may do with a file that people read:
// whoever changes a role sees there what it comes to.
func TestPermissions(t *testing.T) {
	t.Parallel()
	all := withOptional(t)
	files := sets.New[string]()
	for _, o := range all {
		if o.GetKind() != "ServiceAccount" {
			continue
		}
		file := filepath.Join("testdata/rbac", o.GetName()+".txt")
		files.Insert(file)
		t.Run(o.GetName(), func(t *testing.T) {
			golden(t, file, func() string { return permissions(t, o.GetNamespace(), o.GetName()) })
		})
	}
	have, err := filepath.Glob("testdata/rbac/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if stale := sets.New(have...).Difference(files); stale.Len() > 0 {
		t.Errorf("no ServiceAccount of the manifests has %v: remove it", sets.List(stale))
	}
}

// withOptional returns all manifests, and those that people choose.
func withOptional(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	all, err := readManifests(filepath.Join(root, "manifests/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	optional, err := readManifests(filepath.Join(root, "manifests/archive/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, optional...)
}

// TestATokenIsMountedOnlyWhereRightsGoWithIt looks at every pod that the manifests start, and at every ServiceAccount.
func TestATokenIsMountedOnlyWhereRightsGoWithIt(t *testing.T) {
	t.Parallel()
	grants, err := audit.GrantsIn(filepath.Join(root, "manifests"))
	if err != nil {
		t.Fatal(err)
	}
	optional, err := audit.GrantsIn(filepath.Join(root, "manifests/archive"))
	if err != nil {
		t.Fatal(err)
	}
	rights := sets.New[string]()
	for _, g := range slices.Concat(grants, optional) {
		rights.Insert(g.Account)
	}
	all := withOptional(t)
	pods := 0
	for _, o := range all {
		if o.GetKind() == "ServiceAccount" {
			if mounts, set, _ := unstructured.NestedBool(o.Object, "automountServiceAccountToken"); mounts || !set {
				t.Errorf("ServiceAccount %s gives its token to any pod that names it: set automountServiceAccountToken: false", o.GetName())
			}
		}
		spec, found, _ := unstructured.NestedMap(o.Object, "spec", "template", "spec")
		if !found {
			continue
		}
		pods++
		account, _ := spec["serviceAccountName"].(string)
		// What Kubernetes mounts by itself is good for a year.
		if mounts, set := spec["automountServiceAccountToken"].(bool); !set || mounts {
			t.Errorf("%s %s: set automountServiceAccountToken: false", o.GetKind(), o.GetName())
		}
		if seconds := tokens(spec); rights.Has(account) != (len(seconds) > 0) || slices.ContainsFunc(seconds, func(s int64) bool { return s != 600 }) {
			t.Errorf("%s %s: mounts a token for %d seconds; want one, for 600, with a ServiceAccount that has rights, and none with another (%q)", o.GetKind(), o.GetName(), seconds, account)
		}
	}
	if pods < 2 {
		t.Errorf("%d pods looked at", pods)
	}
}

// tokens returns the lifetimes of the tokens that a pod mounts, in seconds.
func tokens(spec map[string]any) []int64 {
	var all []int64
	volumes, _, _ := unstructured.NestedSlice(spec, "volumes")
	for _, v := range volumes {
		sources, _, _ := unstructured.NestedSlice(v.(map[string]any), "projected", "sources")
		for _, s := range sources {
			if token, ok := s.(map[string]any)["serviceAccountToken"].(map[string]any); ok {
				seconds, _ := token["expirationSeconds"].(int64)
				all = append(all, seconds)
			}
		}
	}
	return all
}

// golden compares what get returns with a file, or writes it. The API server learns of new roles a moment later.
func golden(t *testing.T, file string, get func() string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(get()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, func(context.Context) error {
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(get(), "\n")); diff != "" {
			return fmt.Errorf("%s differs; if that is meant, write it with\n\tgo test -trimpath -count=1 -run 'TestPermissions$' ./test/integration/ -update\n%s", file, diff)
		}
		return nil
	})
}

// permission is one verb on a resource or an address.
type permission struct{ what, verb string }

// permissions tells what a ServiceAccount may do beyond what everybody may: first in every namespace, then in each.
func permissions(t *testing.T, namespace, name string) string {
	t.Helper()
	namespaces := []string{"default", someSandbox, systemNamespace, veleroNamespace, canary.Namespace, canary.TargetNamespace}
	may := map[string]sets.Set[permission]{}
	var everywhere sets.Set[permission]
	for _, in := range namespaces {
		may[in] = mayDo(t, namespace, name, in).Difference(mayDo(t, "default", "nobody", in))
		if everywhere == nil {
			everywhere = may[in]
		}
		everywhere = everywhere.Intersection(may[in])
	}
	var b strings.Builder
	section := func(title string, some sets.Set[permission]) {
		verbs := map[string][]string{}
		for p := range some {
			verbs[p.what] = append(verbs[p.what], p.verb)
		}
		for i, what := range slices.Sorted(maps.Keys(verbs)) {
			if i == 0 {
				fmt.Fprintf(&b, "%s:\n", title)
			}
			slices.Sort(verbs[what])
			fmt.Fprintf(&b, "  %s: %s\n", what, strings.Join(verbs[what], " "))
		}
	}
	section("in every namespace, and of what is in none", everywhere)
	for _, in := range namespaces {
		section("besides, in "+in, may[in].Difference(everywhere))
	}
	return b.String()
}

// mayDo asks the API server what a ServiceAccount may do in a namespace, as kubectl auth can-i --list does.
func mayDo(t *testing.T, namespace, name, in string) sets.Set[permission] {
	t.Helper()
	config := rest.CopyConfig(admin)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":" + name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	review, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(),
		&authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: in}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if review.Status.Incomplete {
		t.Fatalf("the API server knows only part: %s", review.Status.EvaluationError)
	}
	all := sets.New[permission]()
	add := func(what string, verbs []string) {
		for _, verb := range verbs {
			all.Insert(permission{what, verb})
		}
	}
	for _, rule := range review.Status.ResourceRules {
		names := slices.Sorted(slices.Values(rule.ResourceNames))
		for _, group := range rule.APIGroups {
			for _, what := range rule.Resources {
				if group != "" {
					resource, subresource, _ := strings.Cut(what, "/")
					what = strings.TrimSuffix(resource+"."+group+"/"+subresource, "/")
				}
				add(strings.TrimSpace(what+" "+strings.Join(names, ",")), rule.Verbs)
			}
		}
	}
	for _, rule := range review.Status.NonResourceRules {
		for _, address := range rule.NonResourceURLs {
			add(address, rule.Verbs)
		}
	}
	return all
}

package fence

import (
	"context"
	"errors"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/manifests"
	kymarosfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

func text(t *testing.T) []byte {
	t.Helper()
	all, err := manifests.Fence()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func shipped(t *testing.T) fence {
	t.Helper()
	f, err := parse(text(t), shippedSystem, shippedVelero, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestParseReadsEveryPolicyWithItsBinding(t *testing.T) {
	f := shipped(t)
	if len(f.policies) == 0 || len(f.policies) != len(f.bindings) {
		t.Fatalf("%d policies and %d bindings", len(f.policies), len(f.bindings))
	}
	for name := range f.policies {
		if f.bindings[name].PolicyName != name {
			t.Errorf("the binding of %s is for %q", name, f.bindings[name].PolicyName)
		}
	}
	// Whatever an attempt is for is there.
	for _, a := range (&Checker{}).attempts() {
		if _, found := f.policies[a.policy]; !found {
			t.Errorf("no policy %s", a.policy)
		}
	}
}

// In such a literal a blank line would count.
func TestNoLiteralGoesOverLines(t *testing.T) {
	if all := string(text(t)); strings.Contains(all, "'''") || strings.Contains(all, `"""`) {
		t.Error("a policy has a literal over several lines: compare.go takes blank lines in it for nothing")
	}
}

func TestParsePutsNamespacesIn(t *testing.T) {
	f, err := parse(text(t), "proofs", "backups", nil)
	if err != nil {
		t.Fatal(err)
	}
	policy := func(name string) string {
		s := f.policies[name]
		return s.String()
	}
	for name, want := range map[string]string{
		"kymaros-writes":        "system:serviceaccount:proofs:kymaros-controller",
		"kymaros-restored":      "system:serviceaccount:backups:",
		"kymaros-writes-velero": "request.namespace == 'backups'",
		"kymaros-shipped":       "[kymaros-canary kymaros-canary-targets proofs backups]",
	} {
		if got := policy(name); !strings.Contains(got, want) || strings.Contains(got, "kymaros-system") || strings.Contains(got, "'velero'") {
			t.Errorf("policy %s does not say %q, or still names the namespaces that are shipped", name, want)
		}
	}
}

func TestDifferences(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fence)
		want   string // empty: none
	}{
		"as it was shipped": {func(*fence) {}, ""},
		"with the API server's defaults": {func(f *fence) {
			for name, p := range f.policies {
				f.policies[name] = canonical(p)
			}
		}, ""},
		"other words in a message": {func(f *fence) {
			f.policies["kymaros-anchor"].Validations[0].Message = "kymaros fence: nein"
		}, ""},
		"blank lines, as kubectl apply -k puts in": {func(f *fence) {
			for _, p := range f.policies {
				for i := range p.Variables {
					p.Variables[i].Expression = strings.ReplaceAll(p.Variables[i].Expression, "\n", "\n\n")
				}
				for i := range p.MatchConditions {
					p.MatchConditions[i].Expression = strings.ReplaceAll(p.MatchConditions[i].Expression, "\n", "\n\n")
				}
				for i := range p.Validations {
					p.Validations[i].Expression = strings.ReplaceAll(p.Validations[i].Expression, "\n", "\n\n")
				}
			}
		}, ""},
		"the actions in another order": {func(f *fence) {
			b := f.bindings["kymaros-writes"]
			b.ValidationActions = []admissionv1.ValidationAction{admissionv1.Audit, admissionv1.Deny}
			f.bindings["kymaros-writes"] = b
		}, ""},
		"a policy of others": {func(f *fence) {
			f.policies["kymaros-of-others"] = admissionv1.ValidatingAdmissionPolicySpec{}
		}, ""},
		"a policy that is gone":  {func(f *fence) { delete(f.policies, "kymaros-guards") }, "ValidatingAdmissionPolicy kymaros-guards is missing"},
		"a binding that is gone": {func(f *fence) { delete(f.bindings, "kymaros-guards") }, "ValidatingAdmissionPolicyBinding kymaros-guards is missing"},
		"an expression that lets all pass": {func(f *fence) {
			f.policies["kymaros-restored"].Validations[0].Expression = "true"
		}, "ValidatingAdmissionPolicy kymaros-restored was changed"},
		"a validation less": {func(f *fence) {
			p := f.policies["kymaros-restored"]
			p.Validations = p.Validations[1:]
			f.policies["kymaros-restored"] = p
		}, "ValidatingAdmissionPolicy kymaros-restored was changed"},
		"a condition more": {func(f *fence) {
			p := f.policies["kymaros-restored"]
			p.MatchConditions = append(p.MatchConditions, admissionv1.MatchCondition{Name: "never", Expression: "false"})
			f.policies["kymaros-restored"] = p
		}, "ValidatingAdmissionPolicy kymaros-restored was changed"},
		"a selector": {func(f *fence) {
			f.policies["kymaros-restored"].MatchConstraints.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
		}, "ValidatingAdmissionPolicy kymaros-restored was changed"},
		"a failure that lets pass": {func(f *fence) {
			p := f.policies["kymaros-writes"]
			ignore := admissionv1.Ignore
			p.FailurePolicy = &ignore
			f.policies["kymaros-writes"] = p
		}, "ValidatingAdmissionPolicy kymaros-writes was changed"},
		"a binding that warns": {func(f *fence) {
			b := f.bindings["kymaros-writes"]
			b.ValidationActions = []admissionv1.ValidationAction{admissionv1.Warn}
			f.bindings["kymaros-writes"] = b
		}, "ValidatingAdmissionPolicyBinding kymaros-writes was changed"},
		"a binding for one namespace": {func(f *fence) {
			b := f.bindings["kymaros-writes"]
			b.MatchResources = &admissionv1.MatchResources{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}}
			f.bindings["kymaros-writes"] = b
		}, "ValidatingAdmissionPolicyBinding kymaros-writes was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			have := shipped(t)
			c.change(&have)
			if got := strings.Join(differences(shipped(t), have), "; "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	limitRanges := schema.GroupResource{Resource: "limitranges"}
	a := attempt{policy: "kymaros-writes-sandboxes", what: "a LimitRange"}
	denied := func(policy, message string) error {
		return apierrors.NewForbidden(limitRanges, probeName, errors.New("ValidatingAdmissionPolicy '"+policy+"' with binding '"+policy+"' denied request: "+message))
	}
	for name, c := range map[string]struct {
		err   error
		want  answer
		says  string
		fails bool
	}{
		"refused by its policy":           {denied("kymaros-writes-sandboxes", Marker+"no"), inForce, "", false},
		"let through":                     {nil, notInForce, "is not in force", false},
		"there already":                   {apierrors.NewAlreadyExists(limitRanges, probeName), notInForce, "is not in force", false},
		"refused by another policy":       {denied("kymaros-writes", Marker+"no"), unclear, "something else refused", false},
		"refused by a policy of its name": {denied("kymaros-writes-sandboxes", "no"), unclear, "something else refused", false},
		"refused by RBAC":                 {apierrors.NewForbidden(limitRanges, probeName, errors.New("no")), unclear, "something else refused", false},
		"not answered":                    {apierrors.NewTimeoutError("late", 1), unclear, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, says, err := a.answered(c.err)
			if got != c.want || (err != nil) != c.fails || !strings.Contains(says, c.says) || (says == "") != (c.says == "") {
				t.Errorf("got %d, %q, %v", got, says, err)
			}
		})
	}
}

// installed returns a cluster that has the policies, and enforces none of them.
func installed(t *testing.T) *fake.Clientset {
	t.Helper()
	var all []runtime.Object
	meta := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Name: name, Labels: map[string]string{"app.kubernetes.io/name": "kymaros"}}
	}
	f := shipped(t)
	for name, spec := range f.policies {
		all = append(all, &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: meta(name), Spec: spec})
	}
	for name, spec := range f.bindings {
		all = append(all, &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: meta(name), Spec: spec})
	}
	return fake.NewClientset(all...)
}

func TestProblem(t *testing.T) {
	refuse := func(kube *fake.Clientset, verb, resource string, err error) *fake.Clientset {
		kube.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
		return kube
	}
	notFound := apierrors.NewNotFound(schema.GroupResource{Resource: "validatingadmissionpolicies"}, "")
	// answering refuses what is created by the policies, by resource.
	answering := func(kube *fake.Clientset, policies map[string]string) *fake.Clientset {
		for resource, policy := range policies {
			refuse(kube, "create", resource, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, probeName,
				errors.New("ValidatingAdmissionPolicy '"+policy+"' with binding '"+policy+"' denied request: "+Marker+"no")))
		}
		return kube
	}
	for name, c := range map[string]struct {
		kube  *fake.Clientset
		want  []string // nothing: no problem
		fails bool
		// noRestores: something else refuses them.
		noRestores bool
	}{
		"no policies at all":           {fake.NewClientset(), []string{"kymaros-anchor is missing", " more", "kubectl apply -f manifests/fence,"}, false, false},
		"policies that refuse nothing": {installed(t), []string{"is not in force", " more", "kubectl apply"}, false, false},
		"a cluster that is too old":    {refuse(installed(t), "list", "validatingadmissionpolicies", notFound), []string{"Kubernetes 1.30", "--require-fence=false"}, false, false},
		"a cluster that does not answer": {
			refuse(installed(t), "list", "validatingadmissionpolicybindings", apierrors.NewTimeoutError("late", 1)), nil, true, false,
		},
		"policies that may not be read": {
			refuse(installed(t), "list", "validatingadmissionpolicies", apierrors.NewForbidden(schema.GroupResource{}, "", nil)), []string{"10-rbac.yaml"}, false, false,
		},
		"a namespace that another policy refuses": {answering(installed(t), map[string]string{
			"namespaces": "of-others", "limitranges": "kymaros-writes-sandboxes", "leases": "kymaros-writes-own",
		}), nil, false, true},
		"nothing that is refused by ours": {answering(installed(t), map[string]string{
			"namespaces": "of-others", "limitranges": "of-others", "leases": "of-others",
		}), []string{"something else refused"}, false, true},
		"an attempt that is not answered": {refuse(installed(t), "create", "leases", apierrors.NewTimeoutError("late", 1)), nil, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			velero := kymarosfake.NewClientset()
			if c.noRestores {
				velero.PrependReactor("create", "restores", func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "restores"}, "", errors.New("no"))
				})
			}
			checker, err := NewChecker(c.kube, velero, shippedSystem, shippedVelero, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := checker.Problem(context.Background())
			if (err != nil) != c.fails || (got == "") != (len(c.want) == 0) {
				t.Fatalf("got %q, %v", got, err)
			}
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q does not say %q", got, want)
				}
			}
			for _, action := range c.kube.Actions() {
				if create, ok := action.(clienttesting.CreateActionImpl); ok && len(create.CreateOptions.DryRun) == 0 {
					t.Errorf("%s is created, and not as a dry run", action.GetResource().Resource)
				}
			}
		})
	}
}

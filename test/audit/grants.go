package audit

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Sandbox stands for the namespace of any sandbox: there the controller binds roles of the manifests when it has made one.
const Sandbox = "of a sandbox"

// inSandboxes are the roles that it binds, and to whom (pkg/guards).
var inSandboxes = map[string]string{
	"kymaros-sandbox-prober": "kymaros-prober", "kymaros-sandbox-restorer": "kymaros-controller", "kymaros-sandbox-dns": "kymaros-dns",
}

// Grant is one verb on one resource that a Role or ClusterRole gives to a ServiceAccount.
type Grant struct {
	Account, Verb, Resource string
	// Namespace in which it holds, which may be Sandbox; empty for all.
	Namespace string
	// Names of the objects it holds for, separated by commas; empty for all.
	Names string
}

func (g Grant) String() string {
	s := g.Account + ": " + g.Verb + " " + g.Resource
	if g.Names != "" {
		s += " " + g.Names
	}
	if g.Namespace != "" {
		s += " in namespace " + g.Namespace
	}
	return s
}

func (g Grant) allows(r Request, sandboxes map[string]bool) bool {
	return g.Account == r.Account && g.Verb == r.Verb && g.Resource == r.Resource &&
		(g.Namespace == "" || g.Namespace == r.Namespace || g.Namespace == Sandbox && sandboxes[r.Namespace]) &&
		(g.Names == "" || slices.Contains(strings.Split(g.Names, ","), r.Name))
}

// width orders grants: the more it holds for, the wider.
func (g Grant) width() int {
	width := 0
	if g.Namespace == "" {
		width += 2
	}
	if g.Names == "" {
		width++
	}
	return width
}

// Grants returns what roles give to ServiceAccounts, in objects of manifests, sorted. It fails on a wildcard: whether one
// is needed cannot be told.
func Grants(objects []*unstructured.Unstructured) ([]Grant, error) {
	roles := map[string][]rbacv1.PolicyRule{} // by kind/namespace/name
	var bindings []rbacv1.RoleBinding
	for _, o := range objects {
		switch o.GetKind() {
		case "Role", "ClusterRole":
			var role rbacv1.Role // a ClusterRole has the same rules
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
			}
			roles[o.GetKind()+"/"+o.GetNamespace()+"/"+o.GetName()] = role.Rules
		case "RoleBinding", "ClusterRoleBinding":
			var binding rbacv1.RoleBinding
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &binding); err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
			}
			bindings = append(bindings, binding)
		}
	}
	for role, account := range inSandboxes {
		if roles["ClusterRole//"+role] != nil {
			bindings = append(bindings, rbacv1.RoleBinding{
				TypeMeta: metav1.TypeMeta{Kind: "RoleBinding"}, ObjectMeta: metav1.ObjectMeta{Namespace: Sandbox, Name: role},
				RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role}, Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: account}},
			})
		}
	}
	var all []Grant
	for _, b := range bindings {
		key := b.RoleRef.Kind + "/" + b.Namespace + "/" + b.RoleRef.Name
		if b.RoleRef.Kind == "ClusterRole" {
			key = b.RoleRef.Kind + "//" + b.RoleRef.Name
		}
		rules, ok := roles[key]
		if !ok {
			return nil, fmt.Errorf("%s %s binds %s, which is in none of the manifests", b.Kind, b.Name, key)
		}
		for _, subject := range b.Subjects {
			if subject.Kind != rbacv1.ServiceAccountKind {
				continue
			}
			for _, rule := range rules {
				grants, err := expand(Grant{Account: subject.Name, Namespace: b.Namespace}, rule)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", key, err)
				}
				all = append(all, grants...)
			}
		}
	}
	slices.SortFunc(all, func(a, b Grant) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all), nil
}

// expand returns every single grant of a rule.
func expand(g Grant, rule rbacv1.PolicyRule) ([]Grant, error) {
	if all := slices.Concat(rule.APIGroups, rule.Resources, rule.Verbs); slices.Contains(all, "*") {
		return nil, fmt.Errorf("a wildcard in %q", all)
	}
	g.Names = strings.Join(rule.ResourceNames, ",")
	var all []Grant
	for _, group := range rule.APIGroups {
		for _, of := range rule.Resources {
			of, subresource, _ := strings.Cut(of, "/")
			for _, verb := range rule.Verbs {
				g.Verb, g.Resource = verb, resource(group, of, subresource)
				all = append(all, g)
			}
		}
	}
	return all, nil
}

// Unused returns the grants that no request needed. Of several grants that allow a request, the narrowest was needed.
func Unused(grants []Grant, requests []Request) []Grant {
	used := map[Grant]bool{}
	sandboxes := map[string]bool{}
	for _, r := range requests {
		if r.Resource == "namespaces" && (r.Verb == "patch" || r.Verb == "delete") { // of no other is anything changed
			sandboxes[r.Name] = true
		}
	}
	for _, r := range requests {
		var narrowest []Grant
		for _, g := range grants {
			switch {
			case !g.allows(r, sandboxes) || len(narrowest) > 0 && g.width() > narrowest[0].width():
			case len(narrowest) > 0 && g.width() == narrowest[0].width():
				narrowest = append(narrowest, g)
			default:
				narrowest = []Grant{g}
			}
		}
		for _, g := range narrowest {
			used[g] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { return used[g] })
}

// Forbidden returns the requests that RBAC denied, each once, sorted.
func Forbidden(requests []Request) []string {
	var all []string
	for _, r := range requests {
		if r.Forbidden && !fallsBack(r) {
			all = append(all, r.String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// fallsBack tells whether r is the first try of a check to reach a pod, by WebSocket, which the API server takes for a get.
// That right is not granted, for on older servers it alone would run commands; the check goes on by SPDY, with create.
func fallsBack(r Request) bool {
	return r.Verb == "get" && (r.Resource == "pods/exec" || r.Resource == "pods/portforward")
}

// Judge returns what is wrong with grants after requests: what was denied, what nobody used, and what is wrong with the
// exceptions: for each grant that these requests cannot use, the reason.
func Judge(grants []Grant, requests []Request, exceptions map[string]string) []string {
	var wrong []string
	for _, what := range Forbidden(requests) {
		wrong = append(wrong, "denied: "+what)
	}
	unused := map[string]bool{}
	for _, g := range Unused(grants, requests) {
		unused[g.String()] = true
		if exceptions[g.String()] == "" {
			wrong = append(wrong, "granted, and never used: "+g.String())
		}
	}
	granted := map[string]bool{}
	for _, g := range grants {
		granted[g.String()] = true
	}
	for what := range exceptions {
		switch {
		case !granted[what]:
			wrong = append(wrong, "an exception that no manifest grants: "+what)
		case !unused[what]:
			wrong = append(wrong, "an exception that is none, for it was used: "+what)
		}
	}
	slices.Sort(wrong)
	return wrong
}

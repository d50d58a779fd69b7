package fuzz

import "slices"

var netpols = at("networking.k8s.io", "v1", "networkpolicies")

// guard returns a random write of a NetworkPolicy, a ResourceQuota or a LimitRange.
func (g *Generator) guard() Request {
	var o map[string]any
	var resource schemaResource
	var changes []change
	where := g.inside()
	switch g.IntN(4) {
	case 0, 1:
		resource, changes = netpols, policyChanges
		o = map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": map[string]any{
			"podSelector": map[string]any{"matchLabels": nil}, "policyTypes": []any{"Ingress", "Egress"},
		}}
		if i := slices.IndexFunc(g.Sandboxes, func(s Sandbox) bool { return s.Name == where }); i >= 0 && g.oneIn(2) {
			set(o, []any{map[string]any{"from": []any{peer("kymaros.io/group", g.Sandboxes[i].Run)}}}, "spec", "ingress")
		}
	case 2:
		resource, changes = at("", "v1", "resourcequotas"), quotaChanges
		o = map[string]any{"apiVersion": "v1", "kind": "ResourceQuota", "spec": map[string]any{"hard": map[string]any{"pods": "50"}}}
	case 3:
		resource, changes = at("", "v1", "limitranges"), metadata
		o = map[string]any{"apiVersion": "v1", "kind": "LimitRange", "spec": map[string]any{"limits": []any{map[string]any{"type": "Container", "default": map[string]any{"cpu": "1"}}}}}
	}
	set(o, where, "metadata", "namespace")
	set(o, g.name("kymaros-"), "metadata", "name")
	what := g.alter(o, changes)
	r := creates(resource, o, what)
	switch g.IntN(4) {
	case 0:
		r.Verb = "apply"
	case 1, 2:
		r.Verb, r.Name = "patch", g.Placed
		r.Body = map[string]any{"spec": o["spec"], "metadata": o["metadata"]}
		unset(r.Body, "metadata", "name")
		unset(r.Body, "metadata", "namespace")
	}
	return r
}

func peer(label, value string) map[string]any {
	return map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{label: value}}}
}

var policyChanges = slices.Concat(metadata, []change{
	sets([]any{map[string]any{"matchLabels": map[string]any{"a": "b"}}, map[string]any{"matchExpressions": []any{map[string]any{"key": "a", "operator": "Exists"}}}}, "spec", "podSelector"),
	sets([]any{[]any{"Ingress"}, []any{"Egress"}, []any{}}, "spec", "policyTypes"),
	sets([]any{[]any{}, []any{map[string]any{}}, []any{map[string]any{"from": []any{map[string]any{"ipBlock": map[string]any{"cidr": "0.0.0.0/0"}}}}}, nil}, "spec", "ingress"),
	func(g *Generator, o map[string]any) string {
		direction, side, ns := "ingress", "from", g.anywhere()
		if g.oneIn(2) {
			direction, side = "egress", "to"
		}
		set(o, []any{map[string]any{side: []any{peer("kubernetes.io/metadata.name", ns)}}}, "spec", direction)
		return direction + ": " + ns
	},
	func(g *Generator, o map[string]any) string {
		run := pick(g, g.Sandboxes).Run
		set(o, []any{map[string]any{"to": []any{peer("kymaros.io/group", run)}}}, "spec", "egress")
		return "egress: run " + run
	},
})

var quotaChanges = slices.Concat(metadata, []change{
	sets([]any{"0", "1000"}, "spec", "hard", "pods"),
	sets([]any{"0", "1"}, "spec", "hard", "services.loadbalancers"),
	sets([]any{[]any{"Terminating"}}, "spec", "scopes"),
})

package fuzz

import (
	"fmt"
	"slices"
	"strings"
)

var (
	tests     = at("restore.kymaros.io", "v1alpha1", "restoretests")
	reports   = at("restore.kymaros.io", "v1alpha1", "restorereports")
	events    = at("", "v1", "events")
	leases    = at("coordination.k8s.io", "v1", "leases")
	downloads = at("velero.io", "v1", "downloadrequests")
)

// own returns a random write of what the controller writes outside of sandboxes: events, its Lease, the DownloadRequest, reports
// and its tests.
func (g *Generator) own() Request {
	switch g.IntN(7) {
	case 0:
		return g.event()
	case 1:
		return g.lease()
	case 2:
		o := map[string]any{
			"apiVersion": "velero.io/v1", "kind": "DownloadRequest",
			"metadata": map[string]any{"name": oneOf(g, "kymaros-inventory", "kymaros-inventory-prober"), "namespace": g.Velero, "labels": map[string]any{"kymaros.io/managed-by": "kymaros"}},
			"spec":     map[string]any{"target": map[string]any{"kind": "BackupResourceList", "name": g.Backups[0]}},
		}
		return creates(downloads, o, g.alter(o, downloadChanges))
	case 3:
		return g.report()
	case 5:
		box := pick(g, g.Sandboxes)
		patch := map[string]any{"metadata": map[string]any{"labels": map[string]any{"kymaros.io/guarded": oneOf(g, box.Run, box.Run, "other")}}}
		return Request{Verb: "patch", Resource: namespaces, Name: box.Name, Body: patch, What: g.alter(patch, metadata)}
	case 4:
		patch := map[string]any{"metadata": map[string]any{"finalizers": []any{"kymaros.io/sandbox-cleanup"}}}
		return Request{Verb: "patch", Resource: tests, Namespace: g.Team, Name: g.Test, Body: patch, What: g.alter(patch, testChanges)}
	}
	patch := map[string]any{"status": map[string]any{"phase": oneOf(g, "Idle", "Running", "Failed")}}
	return Request{Verb: "patch", Resource: tests, Sub: "status", Namespace: g.Team, Name: g.Test, Body: patch, What: g.alter(patch, testChanges)}
}

func (g *Generator) event() Request {
	ns := pick(g, slices.Concat([]string{g.Team, g.Team, g.Team}, g.Outside))
	o := map[string]any{
		"apiVersion": "v1", "kind": "Event", "reason": "Passed", "message": "m", "type": "Normal",
		"metadata":       map[string]any{"name": g.name(""), "namespace": ns},
		"involvedObject": map[string]any{"apiVersion": "restore.kymaros.io/v1alpha1", "kind": "RestoreTest", "namespace": ns, "name": g.Test},
	}
	return creates(events, o, g.alter(o, slices.Concat(metadata, []change{
		sets([]any{"Pod", "Namespace", "restoretest", ""}, "involvedObject", "kind"),
		sets([]any{"v1", "restore.kymaros.io", "restore.kymaros.io.evil/v1"}, "involvedObject", "apiVersion"),
		sets([]any{"kube-system", ""}, "involvedObject", "namespace"),
		sets([]any{"other"}, "message"),
	})))
}

func (g *Generator) lease() Request {
	if g.oneIn(2) {
		holder, ns, name := g.name("holder-"), g.System, "kymaros-controller"
		if g.oneIn(3) {
			ns, name = g.anywhere(), oneOf(g, "kymaros-controller", "kube-controller-manager", g.Placed)
		}
		return Request{Verb: "update", Resource: leases, Namespace: ns, Name: name, What: []string{"holder " + holder},
			Edit: func(o map[string]any) { set(o, holder, "spec", "holderIdentity") }}
	}
	o := map[string]any{
		"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": map[string]any{"name": g.name("kymaros-"), "namespace": g.System},
		"spec": map[string]any{"holderIdentity": "fuzz"},
	}
	return creates(leases, o, g.alter(o, slices.Concat(metadata, []change{func(g *Generator, o map[string]any) string {
		ns := g.anywhere()
		set(o, ns, "metadata", "namespace")
		return "in " + ns
	}})))
}

func (g *Generator) report() Request {
	if g.oneIn(4) {
		patch := map[string]any{}
		return Request{Verb: "patch", Resource: reports, Namespace: g.anywhere(), Name: g.Placed, Body: patch, What: g.alter(patch, metadata)}
	}
	if g.oneIn(4) {
		result := oneOf(g, "pass", "fail", "partial")
		return Request{Verb: "update", Resource: reports, Sub: "status", Namespace: g.anywhere(), Name: g.Placed, What: []string{"result " + result},
			Edit: func(o map[string]any) { set(o, result, "status", "result") }}
	}
	ns := pick(g, slices.Concat([]string{g.Team, g.Team}, g.Outside))
	o := map[string]any{
		"apiVersion": "restore.kymaros.io/v1alpha1", "kind": "RestoreReport",
		"metadata": map[string]any{"name": g.name(""), "namespace": ns}, "spec": map[string]any{"testRef": g.Test},
	}
	return creates(reports, o, g.alter(o, metadata))
}

var downloadChanges = slices.Concat(metadata, []change{
	sets([]any{"BackupContents", "BackupLog", "RestoreLog", "BackupResourceList"}, "spec", "target", "kind"),
	sets([]any{"kymaros-other", "other", "kymaros-inventory"}, "metadata", "name"),
	sets([]any{"other"}, "spec", "target", "name"),
	func(g *Generator, o map[string]any) string {
		ns := g.anywhere()
		set(o, ns, "metadata", "namespace")
		return "in " + ns
	},
})

var testChanges = slices.Concat(metadata, []change{
	sets([]any{nil, []any{}, []any{"kymaros.io/sandbox-cleanup"}, []any{"example.com/other"}}, "metadata", "finalizers"),
	sets([]any{false, true}, "spec", "suspend"),
	sets([]any{"@hourly"}, "spec", "schedule", "cron"),
	sets([]any{[]any{map[string]any{"name": "kube-system"}}}, "spec", "backupSource", "namespaces"),
	sets([]any{"pass", "fail"}, "status", "lastResult"),
	sets([]any{int64(100)}, "status", "lastScore"),
})

// modifiers returns a random edit of the ConfigMap with the modifiers for networkIsolation group.
func (g *Generator) modifiers() Request {
	r := Request{Verb: "update", Resource: at("", "v1", "configmaps"), Namespace: g.Velero, Name: "kymaros-group-modifiers"}
	if g.oneIn(15) {
		r.Namespace, r.Name = g.anywhere(), oneOf(g, "kymaros-group-modifiers", "kymaros-sandbox-modifiers", "kube-root-ca.crt", g.Placed)
	}
	address := oneOf(g, fmt.Sprintf("10.96.%d.%d", g.IntN(256), g.IntN(256)), fmt.Sprintf("fd00::%x", g.IntN(65536)))
	edits := []func(map[string]any){inRules(func(rules string) string { return between(rules, `"`+address+`"`) })}
	r.What = []string{"address " + address}
	if !g.oneIn(3) {
		for range 1 + g.IntN(2) {
			what, edit := g.edit()
			r.What, edits = append(r.What, what), append(edits, edit)
		}
	}
	r.Edit = func(o map[string]any) {
		for _, e := range edits {
			e(o)
		}
	}
	return r
}

// edit returns one change of the ConfigMap: of what stands at the address, of any other place of the rules, or of the object.
func (g *Generator) edit() (string, func(map[string]any)) {
	if g.oneIn(3) {
		o := map[string]any{}
		what := pick(g, slices.Concat(metadata, []change{
			sets([]any{[]any{"kymaros.io/sandbox-cleanup"}}, "metadata", "finalizers"),
			sets([]any{"evil.example"}, "data", "case1"),
			sets([]any{"YQ=="}, "binaryData", "a"),
			sets([]any{true, false}, "immutable"),
		}))(g, o)
		return what, func(into map[string]any) { merge(into, o) }
	}
	if g.oneIn(2) {
		near := oneOf(g, `"10.0.0.1", "10.0.0.2"`, ``, `"evil.example"`, `"10.0.0.1"], searches: [a`, `'10.0.0.1'`, `10.0.0.1`, `"10.0.0.1" `, `"FD00::1"`, `"1"`, "\"10.0.0.1\"\n",
			`"`+strings.Repeat("1", 60)+`"`, `"10.0.0.1"] # [`, `"\u0031"`, `"::"`, `*a`, `"10.0.0.1`)
		return fmt.Sprintf("address %q", near), inRules(func(rules string) string { return between(rules, near) })
	}
	where, how := g.Float64(), g.IntN(4)
	letter := string(rune(' ' + g.IntN(95)))
	return fmt.Sprintf("at %.4f of the rules: %s %q", where, []string{"insert", "delete a letter, not", "delete a line, not", "a further rule, not"}[how], letter), inRules(func(rules string) string {
		if rules == "" {
			return letter
		}
		i := int(where * float64(len(rules)))
		switch how {
		case 0:
			return rules[:i] + letter + rules[i:]
		case 1:
			return rules[:i] + rules[i+1:]
		case 2:
			lines := strings.Split(rules, "\n")
			n := int(where * float64(len(lines)))
			return strings.Join(slices.Delete(lines, n, n+1), "\n")
		}
		return rules + "\n    - {conditions: {groupResource: configmaps}, patches: [{operation: replace, path: /kind, value: '\"Secret\"'}]}\n"
	})
}

func inRules(edit func(string) string) func(map[string]any) {
	return func(o map[string]any) { set(o, edit(text(o, "data", "rules.yaml")), "data", "rules.yaml") }
}

// between puts what stands between the brackets of the nameservers.
func between(rules, what string) string {
	before, after, found := strings.Cut(rules, "nameservers: [")
	_, rest, closed := strings.Cut(after, "]")
	if !found || !closed {
		return rules
	}
	return before + "nameservers: [" + what + "]" + rest
}

// merge changes into as from says.
func merge(into, from map[string]any) {
	for key, value := range from {
		if change, ok := value.(map[string]any); ok {
			if old, ok := into[key].(map[string]any); ok {
				merge(old, change)
				continue
			}
		}
		into[key] = value
	}
}

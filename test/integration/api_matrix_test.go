package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/caller"
)

// who asks the API, and what they may.
type apiCaller struct {
	name, token string
	// unknown: nobody whom the API server knows.
	unknown bool
	// readOnly: the token is for this API alone.
	readOnly   bool
	sees, edit func(ns string) bool
	admin      bool
	// cluster: they may list namespaces, claims and backups.
	cluster bool
}

// kinds of operations, by what they take.
const (
	tellsOfSelf  = "self"  // of the caller, and what they may see
	listsRows    = "list"  // needs the right to list; 200 in all namespaces
	getsOne      = "get"   // needs the right to get
	writesOne    = "write" // needs rights that the API server looks at
	makesOne     = "make"
	asksVelero   = "velero"
	comparesTwo  = "compare"
	coversAll    = "coverage" // needs the caller's own rights to namespaces and backups
	putsManifest = "manifest"
	cleansUp     = "cleanup"
	countsBoxes  = "sandboxes"
	anyNamespace = ""
)

// takes are all operations of the API. One that is not here fails the test.
var takes = map[string]string{
	"post /api/v1/session": "session", "delete /api/v1/session": "session", "get /api/v1/health": "open", "get /api/v1/me": tellsOfSelf, "get /api/v1/watch": listsRows,
	"get /api/v1/summary": listsRows, "get /api/v1/summary/daily": listsRows, "get /api/v1/tests": listsRows, "get /api/v1/reports": listsRows,
	"get /api/v1/compare": comparesTwo, "get /api/v1/coverage": coversAll,
	"get /api/v1/alerts": listsRows, "get /api/v1/upcoming": listsRows, "get /api/v1/line": listsRows, "get /api/v1/policies": listsRows, "get /api/v1/recent": listsRows,
	"get /api/v1/config/notifications": listsRows, "get /api/v1/config/sandbox": countsBoxes,
	"get /api/v1/config/provider": asksVelero, "get /api/v1/schedules": asksVelero,
	"get /api/v1/tests/{name}": getsOne, "get /api/v1/reports/{name}": getsOne, "get /api/v1/reports/{name}/logs": getsOne,
	"get /api/v1/reports/{name}/evidence": getsOne, "get /api/v1/namespaces/{namespace}/reports/{name}/evidence": getsOne,
	"get /api/v1/tests/{name}/history":         listsRows,
	"get /api/v1/namespaces/{namespace}/tests": listsRows, "get /api/v1/namespaces/{namespace}/reports": listsRows,
	"get /api/v1/namespaces/{namespace}/tests/{name}/history": listsRows,
	"get /api/v1/namespaces/{namespace}/tests/{name}":         getsOne, "get /api/v1/namespaces/{namespace}/reports/{name}": getsOne,
	"get /api/v1/namespaces/{namespace}/reports/{name}/logs": getsOne, "get /api/v1/namespaces/{namespace}/policies/{name}": getsOne,
	"post /api/v1/tests": makesOne, "post /api/v1/config/sandbox/cleanup": cleansUp,
	"put /api/v1/tests/{name}": writesOne, "delete /api/v1/tests/{name}": writesOne, "post /api/v1/tests/{name}/trigger": writesOne,
	"put /api/v1/namespaces/{namespace}/tests/{name}": writesOne, "delete /api/v1/namespaces/{namespace}/tests/{name}": writesOne,
	"post /api/v1/namespaces/{namespace}/tests/{name}/trigger":    writesOne,
	"put /api/v1/namespaces/{namespace}/tests/{name}/manifest":    putsManifest,
	"put /api/v1/namespaces/{namespace}/policies/{name}/manifest": putsManifest,
	"delete /api/v1/namespaces/{namespace}/policies/{name}":       writesOne,
}

// TestWhoGetsWhatOfTheAPI asks for every operation of the OpenAPI document as everybody, in a namespace of their own, in one of
// others, in one that is not there and in none.
func TestWhoGetsWhatOfTheAPI(t *testing.T) {
	const secret = "zebra" // all that the namespace of others says holds it
	own, foreign, missing := newNamespace(t, "api-own"), newNamespace(t, "api-foreign"), "it-api-missing"
	home := newNamespace(t, "api-callers")
	filled(t, own, "horse")
	everybody := apiCallers(t, home, own)
	api := startAPI(t)
	operations := described(t, api, everybody)

	// As long as the others are not there.
	alone := map[string]string{}
	within := func(record func(c apiCaller, path string, a reply)) {
		for _, c := range everybody {
			if c.unknown || c.sees(foreign) {
				continue
			}
			for _, o := range operations {
				if !strings.HasPrefix(o, "get ") || strings.HasSuffix(o, "/health") || strings.HasSuffix(o, "/watch") {
					continue
				}
				for _, ns := range []string{own, anyNamespace} {
					if path, ok := addressOf(o, ns, "shop"); ok {
						record(c, path, api.do(t, http.MethodGet, path, c.token, ""))
					}
				}
			}
		}
	}
	within(func(c apiCaller, path string, a reply) {
		alone[c.name+path] = fmt.Sprint(a.code, a.body, a.header.Get("Link"))
	})
	filled(t, foreign, secret)
	cover := restoreTest(foreign, secret+"-cover", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.BackupSource.Namespaces = []v1alpha1.SourceNamespace{{Name: foreign}}
		rt.Spec.Suspend, rt.Spec.Schedule.RunOnCreate = true, new(false)
	})
	if _, err := kymaros.RestoreV1alpha1().RestoreTests(foreign).Create(t.Context(), cover, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, stepTimeout, func(ctx context.Context) error {
		a, err := api.ask(ctx, http.MethodGet, "/api/v1/namespaces/"+foreign+"/reports", everybody[len(everybody)-1].token, "")
		if err == nil && strings.Count(a.body, secret+"-nightly") < 2 {
			err = fmt.Errorf("the API does not know of them yet: %s", a.body)
		}
		return err
	})
	within(func(c apiCaller, path string, a reply) {
		if now := fmt.Sprint(a.code, a.body, a.header.Get("Link")); now != alone[c.name+path] {
			t.Errorf("%s: GET %s was\n%s\nand with others beside\n%s", c.name, path, alone[c.name+path], now)
		}
	})

	rows := 0
	for i, c := range everybody {
		for _, o := range operations {
			for _, ns := range []string{own, foreign, missing, anyNamespace} {
				name := "shop"
				switch {
				case strings.HasPrefix(o, "delete") && takes[o] == writesOne:
					name = fmt.Sprintf("spare-%d-%d", i, strings.Count(o, "namespaces"))
					if ns == own || ns == foreign {
						spare(t, ns, name, strings.Contains(o, "policies"))
					}
				case takes[o] == putsManifest:
					name = fmt.Sprintf("put-%d", i)
				}
				path, ok := addressOf(o, ns, name)
				if !ok {
					continue
				}
				method, _, _ := strings.Cut(o, " ")
				rows++
				a := api.do(t, strings.ToUpper(method), path, c.token, bodyOf(t, o, ns, name, fmt.Sprintf("made-by-%d", i)))
				if want := c.expects(takes[o], ns, own, foreign); !slices.Contains(want, a.code) {
					t.Errorf("%s: %s %s: %d, want %v: %.300s", c.name, method, path, a.code, want, a.body)
				}
				if (c.unknown || !c.sees(foreign)) && strings.Contains(a.body, secret) {
					t.Errorf("%s: %s %s tells of others: %.300s", c.name, method, path, a.body)
				}
			}
		}
	}
	// Of two reports each is judged, whichever comes first.
	for _, c := range everybody {
		for _, pair := range [][2]string{{own, own}, {own, foreign}, {foreign, own}, {foreign, foreign}, {own, missing}, {missing, foreign}} {
			rows++
			a := api.do(t, http.MethodGet, fmt.Sprintf("/api/v1/compare?before=%s/shop-1&after=%s/shop-1", pair[0], pair[1]), c.token, "")
			want := http.StatusOK
			switch {
			case c.unknown:
				want = http.StatusUnauthorized
			case !c.sees(pair[0]) || !c.sees(pair[1]):
				want = http.StatusForbidden
			case slices.Contains(pair[:], missing):
				want = http.StatusNotFound
			}
			if a.code != want || (c.unknown || !c.sees(foreign)) && strings.Contains(a.body, secret) {
				t.Errorf("%s: compares reports of %v: %d, want %d: %.300s", c.name, pair, a.code, want, a.body)
			}
		}
	}
	t.Logf("%d rows", rows)
	if rows < 150 {
		t.Errorf("only %d rows", rows)
	}
}

// expects are the codes that a caller may get of an operation in a namespace.
func (c *apiCaller) expects(kind, ns, own, foreign string) []int {
	there := ns == own || ns == foreign
	switch {
	case kind == "open":
		return []int{http.StatusOK}
	case kind == "session": // over plain HTTP, and not from a page
		return []int{http.StatusBadRequest, http.StatusForbidden, http.StatusUnauthorized}
	case c.unknown:
		return []int{http.StatusUnauthorized}
	case kind == tellsOfSelf, kind == countsBoxes, kind == listsRows && (ns == anyNamespace || c.sees(ns)):
		return []int{http.StatusOK}
	case kind == coversAll && (c.cluster || c.admin): // whatever they may list besides
		if ns != anyNamespace && !there {
			return []int{http.StatusNotFound}
		}
		return []int{http.StatusOK}
	case kind == coversAll:
		return []int{http.StatusForbidden}
	case kind == cleansUp && c.cluster: // there is none of theirs to delete
		return []int{http.StatusOK}
	case kind == asksVelero || kind == cleansUp:
		if c.admin { // Velero is installed in part
			return []int{http.StatusOK, http.StatusNotFound}
		}
		return []int{http.StatusForbidden}
	case kind == makesOne && !c.readOnly && c.edit(ns):
		if there {
			return []int{http.StatusCreated}
		}
		return []int{http.StatusNotFound}
	case kind == putsManifest && !c.readOnly && c.edit(ns):
		if there {
			return []int{http.StatusOK}
		}
		return []int{http.StatusNotFound}
	case kind == getsOne && c.sees(ns), kind == writesOne && !c.readOnly && c.sees(ns) && c.edit(ns):
		if there {
			return []int{http.StatusOK, http.StatusNoContent}
		}
		return []int{http.StatusNotFound}
	case kind == writesOne && !c.readOnly && c.sees(ns) && !there: // they may know that
		return []int{http.StatusForbidden, http.StatusNotFound}
	}
	return []int{http.StatusForbidden}
}

// apiCallers are all kinds of callers. The last may do everything.
func apiCallers(t *testing.T, home, own string) []apiCaller {
	t.Helper()
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	only := func(ns string) bool { return ns == own }
	rule := func(verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"restoretests", "restorereports", "healthcheckpolicies"}, Verbs: verbs}
	}
	read, write := rule("get", "list", "watch"), rule("create", "update", "patch", "delete")
	token := func(name, namespace string, rules ...rbacv1.PolicyRule) string {
		text := callerToken(t, home, name)
		if len(rules) > 0 {
			grant(t, name, home, namespace, rules...)
		}
		return text
	}
	reader := token("reader", own, read)
	root := token("root", "", rbacv1.PolicyRule{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}})
	parts := strings.Split(root, ".")
	forged := parts[0] + "." + parts[1] + "." + strings.Split(reader, ".")[2]
	gone := callerToken(t, home, "gone")
	if err := kube.CoreV1().ServiceAccounts(home).Delete(t.Context(), "gone", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	elsewhere := callerToken(t, home, "elsewhere", "vault")
	grant(t, "elsewhere", home, "", read)
	script := callerToken(t, home, "script", caller.Audience)
	grant(t, "script", home, own, read, write)
	surveyor := token("surveyor", "", rbacv1.PolicyRule{APIGroups: []string{"", "velero.io"}, Resources: []string{"namespaces", "persistentvolumeclaims", "pods", "backups", "podvolumebackups", "datauploads"}, Verbs: []string{"get", "list"}})
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "surveyor"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "api-" + home + "-reader"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: home, Name: "surveyor"}},
	}
	if _, err := kube.RbacV1().RoleBindings(own).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return []apiCaller{
		{name: "nobody", unknown: true},
		{name: "a forged token", token: forged, unknown: true},
		{name: "an expired token", token: endedToken(t, root), unknown: true},
		{name: "a token of an account that is gone", token: gone, unknown: true},
		{name: "a token for somebody else", token: elsewhere, unknown: true},
		{name: "who may nothing", token: token("nobody", ""), sees: none, edit: none},
		{name: "who may read one namespace", token: reader, sees: only, edit: none},
		{name: "a script with a token for this API", token: script, readOnly: true, sees: only, edit: only},
		{name: "who may change one namespace", token: token("editor", own, read, write), sees: only, edit: only},
		{name: "who may change all but read one", token: token("odd", own, read), sees: only, edit: none},
		{name: "who may see the cluster and read one namespace", token: surveyor, sees: only, edit: none, cluster: true},
		{name: "who may read all", token: token("auditor", "", read), sees: all, edit: none},
		{name: "an administrator", token: root, sees: all, edit: all, admin: true},
	}
}

// described returns the operations of the served document, as "get /path". Those that delete come last.
func described(t *testing.T, api *theServer, everybody []apiCaller) []string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	a := api.do(t, http.MethodGet, "/openapi.json", everybody[len(everybody)-1].token, "")
	if err := json.Unmarshal([]byte(a.body), &document); err != nil {
		t.Fatalf("%d %s: %v", a.code, a.body, err)
	}
	var all []string
	for path, methods := range document.Paths {
		for method := range methods {
			o := method + " " + path
			if takes[o] == "" {
				t.Errorf("say in takes who may %s", o)
			}
			all = append(all, o)
		}
	}
	if len(all) != len(takes) {
		t.Errorf("%d operations are described, and %d known here", len(all), len(takes))
	}
	slices.Sort(all)
	return all
}

// addressOf is that of an operation in a namespace; false if it has none there.
func addressOf(operation, ns, name string) (string, bool) {
	_, path, _ := strings.Cut(operation, " ")
	if strings.Contains(path, "reports/{name}") {
		name += "-1"
	}
	inPath := strings.Contains(path, "{namespace}")
	path = strings.NewReplacer("{namespace}", ns, "{name}", name).Replace(path)
	kind := takes[operation]
	switch {
	case kind == "open" || kind == "session" || kind == asksVelero || kind == cleansUp || kind == countsBoxes:
		return path, ns == anyNamespace
	case kind == comparesTwo: // takes no namespace
		return "", false
	case kind == makesOne:
		return path, ns != anyNamespace
	case inPath:
		return path, ns != anyNamespace
	case ns != anyNamespace:
		return path + "?namespace=" + ns, true
	}
	return path, kind != getsOne && kind != writesOne // a bare name may be in several
}

// bodyOf is what an operation takes; name is that of the address, made that of what has none there.
func bodyOf(t *testing.T, operation, ns, name, made string) string {
	t.Helper()
	switch {
	case takes[operation] == makesOne:
		return fmt.Sprintf(`{"name":%q,"namespace":%q,"namespaces":["some-source"],"cron":"0 3 1 1 *"}`, made, ns)
	case takes[operation] == putsManifest:
		kind, spec := "RestoreTest", `{backupSource: {provider: velero, namespaces: [{name: some-source}]}, schedule: {cron: 0 3 1 1 *}, sandbox: {}}`
		if strings.Contains(operation, "policies") {
			kind, spec = "HealthCheckPolicy", `{checks: [{name: db, type: tcpSocket, tcpSocket: {service: db, port: 5432}}]}`
		}
		body, err := json.Marshal(map[string]string{"manifest": fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", v1alpha1.GroupVersion, kind, name, spec)})
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	case strings.HasPrefix(operation, "put"):
		return `{"namespaces":["some-source"],"cron":"0 3 1 1 *"}`
	}
	return ""
}

// spare makes a test, or a policy, that may be deleted.
func spare(t *testing.T, ns, name string, policy bool) {
	t.Helper()
	var err error
	if policy {
		made := &v1alpha1.HealthCheckPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.HealthCheckPolicySpec{Checks: []v1alpha1.HealthCheck{{
			Name: "db", Type: v1alpha1.CheckTCPSocket, TCPSocket: &v1alpha1.TCPSocketCheck{Service: "db", Port: 5432},
		}}}}
		_, err = kymaros.RestoreV1alpha1().HealthCheckPolicies(ns).Create(t.Context(), made, metav1.CreateOptions{})
	} else {
		rt := restoreTest(ns, name, func(rt *v1alpha1.RestoreTest) { rt.Spec.Suspend, rt.Spec.Schedule.RunOnCreate = true, new(false) })
		_, err = kymaros.RestoreV1alpha1().RestoreTests(ns).Create(t.Context(), rt, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

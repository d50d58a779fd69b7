package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/plane"
)

// TestTheFenceJudgesWhoWritesThroughTheAPI, and the API server sees them and not the API.
func TestTheFenceJudgesWhoWritesThroughTheAPI(t *testing.T) {
	ns, source := newNamespace(t, "api-fenced"), newNamespace(t, "api-source")
	filled(t, ns, "fenced")
	installFence(t)
	edits := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"restoretests"}, Verbs: []string{"get", "list", "create", "update", "patch", "delete"}}
	author, owner := callerToken(t, ns, "author"), callerToken(t, ns, "owner")
	grant(t, "author", ns, ns, edits)
	grant(t, "owner", ns, "", edits, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"list"}})
	api := startAPI(t)
	body := fmt.Sprintf(`{"name":"mine","namespace":%q,"namespaces":[%q],"cron":"0 3 1 1 *"}`, ns, source)
	for _, c := range []struct {
		who, method, path, token, body, says string
		code                                 int
	}{
		{"who may write tests, and not see what they would restore", http.MethodPost, "/api/v1/tests", author, body, "kymaros fence", http.StatusForbidden},
		{"the same by a change", http.MethodPut, "/api/v1/namespaces/" + ns + "/tests/shop", author, body, "cannot be renamed", http.StatusBadRequest},
		{"the same by a change of what there is", http.MethodPut, "/api/v1/namespaces/" + ns + "/tests/shop", author, strings.Replace(body, `"name":"mine",`, "", 1), "kymaros fence", http.StatusForbidden},
		{"who may see it too", http.MethodPost, "/api/v1/tests", owner, body, "test created", http.StatusCreated},
		{"the same once more", http.MethodPost, "/api/v1/tests", owner, body, "already exists", http.StatusConflict},
		{"who may not see it, by a run of what others wrote", http.MethodPost, "/api/v1/namespaces/" + ns + "/tests/mine/trigger", author, "", "test triggered", http.StatusOK},
		{"what the rules of a test refuse", http.MethodPost, "/api/v1/tests", owner, strings.NewReplacer("mine", "other", "0 3 1 1 *", "TZ=Europe/Brussels").Replace(body), `"field":"cron"`, http.StatusUnprocessableEntity},
	} {
		a := api.do(t, c.method, c.path, c.token, c.body)
		if a.code != c.code || !strings.Contains(a.body, c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.who, a.code, a.body, c.code, c.says)
		}
	}
	eventually(t, stepTimeout, func(context.Context) error { // the log is written a moment later
		writers := map[string]bool{}
		for _, line := range auditLines(t) {
			var e struct {
				Verb      string
				User      struct{ Username string }
				ObjectRef struct{ Namespace, Resource string }
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				continue // the last line may be in the making
			}
			if e.ObjectRef.Namespace == ns && e.ObjectRef.Resource == "restoretests" && e.Verb != "get" && e.Verb != "list" && e.Verb != "watch" {
				writers[e.User.Username] = true
			}
		}
		if writers["system:serviceaccount:"+systemNamespace+":kymaros-api"] {
			t.Error("the API wrote as itself")
		}
		for _, who := range []string{"author", "owner"} {
			if !writers["system:serviceaccount:"+ns+":"+who] {
				return fmt.Errorf("the API server saw no write of %s, but of %v", who, writers)
			}
		}
		return nil
	})
}

func auditLines(t *testing.T) []string {
	t.Helper()
	file, err := os.Open(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		all = append(all, lines.Text())
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestTheAPIStandsFirm against who sends too much, and while the API server is away.
func TestTheAPIStandsFirm(t *testing.T) {
	plane.Slow(t)
	ns := newNamespace(t, "api-firm")
	filled(t, ns, "firm")
	read := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"restoretests"}, Verbs: []string{"get", "list"}}
	reader, late := callerToken(t, ns, "reader"), callerToken(t, ns, "late")
	grant(t, "reader", ns, ns, read)
	grant(t, "late", ns, "", read)
	api := startAPI(t)
	path := "/api/v1/namespaces/" + ns + "/tests"
	if a := api.do(t, http.MethodGet, path, reader, ""); a.code != http.StatusOK || a.header.Get("Warning") != "" {
		t.Fatalf("%d %s", a.code, a.body)
	}
	reviews := func() int {
		return len(api.seen(func(r *request) bool { return strings.HasSuffix(r.path, "/tokenreviews") }))
	}

	t.Run("10,000 wrong tokens", func(t *testing.T) {
		before, began := reviews(), time.Now()
		var wg sync.WaitGroup
		var next, shut atomic.Int64
		for range 8 {
			wg.Go(func() {
				for n := next.Add(1); n <= 10_000; n = next.Add(1) {
					a, err := api.ask(t.Context(), http.MethodGet, path, fmt.Sprintf("wrong-%d", n), "")
					if err != nil || a.code == http.StatusOK {
						t.Errorf("%d %v", a.code, err)
						return
					}
					if n%500 != 0 {
						continue
					}
					if a, err := api.ask(t.Context(), http.MethodGet, path, reader, ""); err != nil || a.code != http.StatusOK {
						shut.Add(1)
					}
				}
			})
		}
		wg.Wait()
		took := time.Since(began)
		asked := reviews() - before
		t.Logf("%d reviews in %s", asked, took)
		if most := 20 + 10*int(took.Seconds()+1) + 20; asked > most {
			t.Errorf("%d reviews in %s, want %d at most", asked, took, most)
		}
		if shut.Load() > 0 {
			t.Errorf("who was known was shut out %d times", shut.Load())
		}
	})

	t.Run("a body of 10 MB", func(t *testing.T) {
		a, err := api.ask(t.Context(), http.MethodPost, "/api/v1/tests", reader, `{"name":"`+strings.Repeat("a", 10<<20)+`"}`)
		if err == nil && a.code != http.StatusRequestEntityTooLarge { // or the connection is closed while it is sent
			t.Errorf("%d %s", a.code, a.body)
		}
	})

	t.Run("the API server goes", func(t *testing.T) {
		api.server.CloseClientConnections()
		api.server.Listener.Close()
		// What was asked a moment ago is remembered; then nobody can be asked any more.
		eventually(t, 30*time.Second, func(ctx context.Context) error {
			a, err := api.ask(ctx, http.MethodGet, path, reader, "")
			if err == nil && a.header.Get("Warning") == "" {
				err = fmt.Errorf("no Warning: %d", a.code)
			}
			if err == nil && (a.code != http.StatusOK || !strings.Contains(a.body, "firm-ledger")) {
				t.Errorf("what was allowed: %d %s", a.code, a.body)
			}
			return err
		})
		for who, c := range map[string]struct {
			path, token string
			code        int
		}{
			"another namespace":                {"/api/v1/namespaces/kube-system/tests", reader, http.StatusServiceUnavailable},
			"who was not there before":         {path, late, http.StatusServiceUnavailable},
			"a wrong token":                    {path, "wrong", http.StatusServiceUnavailable},
			"a whole test, which is read live": {path + "/shop", reader, http.StatusServiceUnavailable},
			"no token":                         {path, "", http.StatusUnauthorized},
		} {
			a, err := api.ask(t.Context(), http.MethodGet, c.path, c.token, "")
			if err != nil || a.code != c.code {
				t.Errorf("%s: %d %s %v, want %d", who, a.code, a.body, err, c.code)
			}
		}
	})
}

// TestTheAPIServerIsAwayForAMinute: who was known goes on reading what was known, and is told so; nobody gets more; and all is as before
// when it is back.
func TestTheAPIServerIsAwayForAMinute(t *testing.T) {
	plane.Slow(t)
	t.Parallel()
	ns := newNamespace(t, "api-away")
	filled(t, ns, "away")
	read := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupName}, Resources: []string{"restoretests"}, Verbs: []string{"get", "list"}}
	reader, late := callerToken(t, ns, "reader"), callerToken(t, ns, "late")
	grant(t, "reader", ns, ns, read)
	grant(t, "late", ns, ns, read)
	api := startAPI(t)
	path := "/api/v1/namespaces/" + ns + "/tests"
	if a := api.do(t, http.MethodGet, path, reader, ""); a.code != http.StatusOK {
		t.Fatalf("%d %s", a.code, a.body)
	}
	api.away.Store(true)
	api.server.CloseClientConnections()
	warned, began := 0, time.Now()
	eventually(t, 2*time.Minute, func(ctx context.Context) error {
		a, err := api.ask(ctx, http.MethodGet, path, reader, "")
		if err != nil || a.code != http.StatusOK || !strings.Contains(a.body, "away-ledger") {
			t.Fatalf("after %v: %d %s, %v", time.Since(began), a.code, a.body, err)
		}
		if a.header.Get("Warning") != "" {
			warned++
		}
		if a, err := api.ask(ctx, http.MethodGet, path, late, ""); err != nil || a.code != http.StatusServiceUnavailable {
			t.Fatalf("who was not known gets %d %s, %v", a.code, a.body, err)
		}
		if time.Since(began) < time.Minute {
			return errors.New("the minute is not over")
		}
		return nil
	})
	if warned == 0 {
		t.Error("nobody was told that this is old")
	}
	api.away.Store(false)
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		a, err := api.ask(ctx, http.MethodGet, path, reader, "")
		if err == nil && a.header.Get("Warning") != "" {
			err = errors.New("it is still told that the API server is away")
		}
		return err
	})
	if a := api.do(t, http.MethodGet, path, late, ""); a.code != http.StatusOK {
		t.Errorf("who was not known: %d %s", a.code, a.body)
	}
}

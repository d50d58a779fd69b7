package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/times"
)

// me is who the caller is, and what they may do here.
type me struct {
	User   string   `json:"user"`
	Groups []string `json:"groups"`
	// ReadOnly: the token is good for this API alone, and not for the API server.
	ReadOnly bool `json:"readOnly"`
	// Namespace is that which Rights are of; empty: all of them.
	Namespace string `json:"namespace"`
	// Namespaces are those with tests or reports that the caller may list.
	Namespaces []string  `json:"namespaces"`
	Rights     []myRight `json:"rights"`
}

type myRight struct {
	Verb     string `json:"verb"`
	Resource string `json:"resource"`
	Allowed  bool   `json:"allowed"`
	// For is what it is needed for.
	For string `json:"for"`
	// Remedy says what to ask for; empty if nothing is missing.
	Remedy string `json:"remedy,omitempty"`
}

// uses are all rights that some route looks for.
var uses = []struct{ verb, resource, purpose string }{
	{"list", tests, "lists and summaries of tests, and what runs next"},
	{"get", tests, "one test as a whole"},
	{"list", reports, "history, summaries and alerts"},
	{"get", reports, "one report as a whole, and its logs"},
	{"list", policies, "the policies that tests name"},
	{"get", policies, "one policy as a whole"},
	{"create", tests, "making a test; the fence asks for more, see SECURITY.md"},
	{"update", tests, "changing a test; the fence asks for more, see SECURITY.md"},
	{"patch", tests, "asking for a run"},
	{"delete", tests, "deleting a test"},
	{"create", policies, "making a policy; the fence asks for more, see SECURITY.md"},
	{"update", policies, "changing a policy; the fence asks for more, see SECURITY.md"},
	{"delete", policies, "deleting a policy"},
}

func (s *Server) me(r *request) (any, error) {
	ns, err := r.namespace()
	if err != nil {
		return nil, err
	}
	user := r.caller.User
	mine := me{User: user.Username, Groups: append([]string{}, user.Groups...), ReadOnly: r.caller.ReadOnly, Namespace: ns}
	for _, use := range uses {
		wanted := caller.Right{Verb: use.verb, Resource: use.resource, Namespace: ns}
		ok, err := s.authz.May(r.Context(), r.caller, wanted)
		if err != nil {
			return nil, err
		}
		if writes := use.verb != "get" && use.verb != "list"; writes && r.caller.ReadOnly {
			mine.Rights = append(mine.Rights, myRight{Verb: use.verb, Resource: use.resource, For: use.purpose, Remedy: "sign in with a token for the API server: this one is good for reading here only"})
			continue
		}
		entry := myRight{Verb: use.verb, Resource: use.resource, Allowed: ok, For: use.purpose}
		if !ok {
			entry.Remedy = wanted.Remedy()
		}
		mine.Rights = append(mine.Rights, entry)
	}
	seen := map[string]bool{}
	for resource, namespaces := range map[string][]string{tests: r.view.TestNamespaces, reports: r.view.ReportNamespaces} {
		visible, err := s.authz.Visible(r.Context(), r.caller, resource, namespaces)
		if err != nil {
			return nil, err
		}
		for ns := range visible {
			seen[ns] = true
		}
	}
	mine.Namespaces = append([]string{}, sorted(seen)...)
	return mine, nil
}

// health tells everybody that this program answers, and those with a token more.
type health struct {
	Status string `json:"status"`
	*details
}

type details struct {
	Version           string `json:"version"`
	KubernetesVersion string `json:"kubernetesVersion"`
	Namespace         string `json:"namespace"`
	Uptime            string `json:"uptime"`
	Pod               string `json:"pod"`
	StartedAt         string `json:"startedAt"`
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	answer := health{Status: "ok"}
	if _, err := s.identify(w, r); err == nil {
		answer.details = &details{
			Version: s.options.Version, KubernetesVersion: s.kubernetesVersion(r.Context()), Namespace: s.options.Namespace,
			Uptime: uptime(s.now().Sub(s.started)), Pod: s.options.Pod, StartedAt: times.Stamp(s.started),
		}
	}
	if err := respond(w, r, answer); err != nil {
		complain(w, r, problemOf(r, err))
	}
}

// memo is a text that is found out once.
type memo struct {
	mu   sync.Mutex
	text string
	next time.Time // when to ask again, if it is not known
}

// kubernetesVersion is empty as long as the API server does not tell.
func (s *Server) kubernetesVersion(ctx context.Context) string {
	m := &s.kubernetes
	if !m.mu.TryLock() { // somebody is asking
		return ""
	}
	defer m.mu.Unlock()
	if m.text != "" || s.now().Before(m.next) {
		return m.text
	}
	m.next = s.now().Add(time.Minute)
	info, err := s.options.Kube.Discovery().ServerVersion()
	if err != nil {
		klog.FromContext(ctx).Error(err, "The API server does not tell its version")
		return ""
	}
	m.text = info.GitVersion
	return m.text
}

// alive answers probes.
func (s *Server) alive(w http.ResponseWriter, r *http.Request, well bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !well {
		write(w, r, http.StatusServiceUnavailable, []byte("caches are not filled yet\n"))
		return
	}
	write(w, r, http.StatusOK, []byte("ok\n"))
}

// uptime writes a length of time as "14d 6h 32m".
func uptime(d time.Duration) string {
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days > 0:
		return fmt.Sprintf("%dd %dh %dm", days, hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%dh %dm", hours, minutes)
	}
	return fmt.Sprintf("%dm", minutes)
}

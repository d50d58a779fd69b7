// Package audit compares what the ServiceAccounts of the manifests are granted with what they ask for: with the audit log
// of the API server, which test/cluster writes.
package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Request is what a ServiceAccount asked of the API server.
type Request struct {
	// Account is the name of the ServiceAccount.
	Account string
	Verb    string
	// Resource is resource.group/subresource, as kubectl writes it.
	Resource string
	// Namespace is empty for what is in none, and for requests in all; Name for lists.
	Namespace, Name string
	// Forbidden: RBAC denied it. What an admission policy refused is not forbidden.
	Forbidden bool
}

func (r Request) String() string {
	s := r.Account + ": " + r.Verb + " " + r.Resource
	if r.Name != "" {
		s += " " + r.Name
	}
	if r.Namespace != "" {
		s += " in namespace " + r.Namespace
	}
	return s
}

// Read returns what the ServiceAccounts of the namespaces have asked for since then. What is no object is left out. A watch that
// begins with all there is stands for a list too: client-go lists where the API server does not stream.
func Read(log io.Reader, namespaces []string, since time.Time) ([]Request, error) {
	const user = "system:serviceaccount:"
	var all []Request
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // the last line may be half written
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		// Most lines are of nobody of ours, and to parse them takes long.
		if !slices.ContainsFunc(namespaces, func(ns string) bool { return bytes.Contains(line, []byte(user+ns+":")) }) {
			continue
		}
		var event struct {
			Verb, RequestURI string
			User             struct{ Username string }
			// ObjectRef is nil for what is no object: discovery.
			ObjectRef                *struct{ Resource, APIGroup, Subresource, Namespace, Name string }
			RequestReceivedTimestamp time.Time
			Annotations              map[string]string
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		namespace, account, _ := strings.Cut(strings.TrimPrefix(event.User.Username, user), ":")
		o := event.ObjectRef
		if !strings.HasPrefix(event.User.Username, user) || !slices.Contains(namespaces, namespace) || o == nil || event.RequestReceivedTimestamp.Before(since) {
			continue
		}
		r := Request{
			Account: account, Verb: event.Verb, Resource: resource(o.APIGroup, o.Resource, o.Subresource),
			Namespace: o.Namespace, Name: o.Name,
			Forbidden: event.Annotations["authorization.k8s.io/decision"] == "forbid",
		}
		if o.APIGroup == "" && o.Resource == "namespaces" {
			r.Namespace = "" // its own name stands there
		}
		all = append(all, r)
		if r.Verb == "watch" && strings.Contains(event.RequestURI, "sendInitialEvents=true") {
			r.Verb = "list"
			all = append(all, r)
		}
	}
}

func resource(group, resource, subresource string) string {
	if group != "" {
		resource += "." + group
	}
	if subresource != "" {
		resource += "/" + subresource
	}
	return resource
}

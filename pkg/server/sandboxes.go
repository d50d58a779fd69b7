package server

import (
	"context"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// sandboxConfig is how sandboxes are made where a test says nothing, and how many there are.
type sandboxConfig struct {
	Defaults sandboxDefaults `json:"defaults"`
	// ActiveSandboxes have a run in them, OrphanedSandboxes have none; of tests that the caller may list. Null without the right
	// to list namespaces.
	ActiveSandboxes   *int `json:"activeSandboxes"`
	OrphanedSandboxes *int `json:"orphanedSandboxes"`
	// Right is what the caller lacks to be told how many there are.
	Right string `json:"right,omitempty"`
}

// sandboxDefaults are those of the API. Empty: the controller's flags, or what production requests, say.
type sandboxDefaults struct {
	NamespacePrefix  string       `json:"namespacePrefix"`
	TTL              string       `json:"ttl"`
	NetworkIsolation string       `json:"networkIsolation"`
	ResourceQuota    quotaDefault `json:"resourceQuota"`
}

type quotaDefault struct {
	CPU     string `json:"cpu"`
	Memory  string `json:"memory"`
	Storage string `json:"storage"`
	Pods    string `json:"pods"`
}

const listSandboxes = "list namespaces"

func (s *Server) sandboxes(r *request) (any, error) {
	answer := sandboxConfig{Defaults: sandboxDefaults{NamespacePrefix: "rp-test", NetworkIsolation: string(v1alpha1.IsolationStrict)}}
	if r.caller.ReadOnly { // not good at the API server
		answer.Right = listSandboxes
		return answer, nil
	}
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	active, orphans, err := s.sortSandboxes(ctx, r, clients)
	if apierrors.IsForbidden(err) {
		answer.Right = listSandboxes
		return answer, nil
	}
	if err != nil {
		return nil, refused(err)
	}
	answer.ActiveSandboxes, answer.OrphanedSandboxes = new(active), new(len(orphans))
	return answer, nil
}

// deleted counts sandboxes.
type deleted struct {
	Deleted int `json:"deleted"`
}

// cleanup deletes, with the caller's token, the sandboxes that no run is in. The controller does the same by itself, some time later.
func (s *Server) cleanup(r *request) (any, error) {
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	_, orphans, err := s.sortSandboxes(ctx, r, clients)
	if apierrors.IsForbidden(err) {
		p := problem.New(http.StatusForbidden, "this takes your own right to list and delete namespaces: ask for a role that allows it")
		p.Right = listSandboxes
		return nil, p
	}
	if err != nil {
		return nil, refused(err)
	}
	var count deleted
	for _, ns := range orphans {
		err := clients.Core.Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &ns.UID, ResourceVersion: &ns.ResourceVersion}})
		switch {
		case err == nil:
			count.Deleted++
		case !apierrors.IsNotFound(err) && !apierrors.IsConflict(err):
			return nil, refused(err)
		}
	}
	return count, nil
}

// sortSandboxes returns how many sandboxes have a run in them, and those that have none. Of tests that the caller may not list
// none counts. Whether there is a run is asked of the API server now: what is cached may not know of one that has just begun.
func (s *Server) sortSandboxes(ctx context.Context, r *request, clients Clients) (active int, orphans []corev1.Namespace, err error) {
	list, err := clients.Core.Namespaces().List(ctx, metav1.ListOptions{LabelSelector: v1alpha1.LabelManagedBy + "=" + v1alpha1.ManagedBy})
	if err != nil {
		return 0, nil, err
	}
	for _, ns := range list.Items {
		testNamespace, name, found := strings.Cut(ns.Annotations[v1alpha1.AnnotationRestoreTest], "/")
		if !found || ns.Labels[v1alpha1.LabelRun] == "" || ns.DeletionTimestamp != nil {
			continue
		}
		seen, err := s.authz.Sees(ctx, r.caller, tests, testNamespace)
		if err != nil {
			return 0, nil, err
		}
		if !seen {
			continue
		}
		rt, err := clients.Kymaros.RestoreV1alpha1().RestoreTests(testNamespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsForbidden(err):
		case apierrors.IsNotFound(err):
			orphans = append(orphans, ns)
		case err != nil:
			return 0, nil, err
		case conditions.Active(rt) && rt.Status.Run.ID == ns.Labels[v1alpha1.LabelRun]:
			active++
		default:
			orphans = append(orphans, ns)
		}
	}
	return active, orphans, nil
}

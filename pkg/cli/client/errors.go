package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/tools/clientcmd"
)

// Explain returns err with what to do about it, where that is known.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	remedy := remedyOf(err)
	if remedy == "" {
		return err
	}
	return fmt.Errorf("%w\n  %s", err, remedy)
}

func remedyOf(err error) string {
	var refused *net.OpError
	var address *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return ""
	case apierrors.IsForbidden(err):
		return "ask an administrator for that right; --help names those that the command needs, and `kubectl auth can-i --list` those that you have"
	case apierrors.IsUnauthorized(err):
		return "log in again: the API server does not know who you are"
	case isMissingKind(err):
		return "Kymaros or Velero is not installed in this cluster, or is another version: kubectl apply -k manifests; see `kubectl kymaros doctor`"
	case apierrors.IsNotFound(err):
		return "`kubectl kymaros get -A` lists the tests; is it in another namespace (-n)?"
	case errors.Is(err, context.DeadlineExceeded), apierrors.IsTimeout(err), apierrors.IsServerTimeout(err):
		return "the API server did not answer in time: try again, or give more with --request-timeout"
	case errors.As(err, &refused), errors.As(err, &address):
		return "the API server cannot be reached: is the context the right one (--context), and the cluster up?"
	case clientcmd.IsEmptyConfig(err), clientcmd.IsConfigurationInvalid(err):
		return "give --kubeconfig or --context, or set KUBECONFIG"
	}
	return ""
}

// isMissingKind tells whether the API server does not serve what was asked for.
func isMissingKind(err error) bool {
	return meta.IsNoMatchError(err) || discovery.IsGroupDiscoveryFailedError(err) ||
		apierrors.IsNotFound(err) && strings.Contains(err.Error(), "could not find the requested resource")
}

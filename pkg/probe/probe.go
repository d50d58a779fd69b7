package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Timeouts of checks that have none of their own in a test that has none either.
const (
	connectTimeout = 10 * time.Second // httpGet, tcpSocket
	defaultTimeout = 30 * time.Second // exec, podStatus, resourceExists

	// grace is what a check may take to give its own account after its context has ended.
	grace = 500 * time.Millisecond
)

// Prober runs checks. It is safe for concurrent use.
type Prober struct {
	kube     kubernetes.Interface
	metadata metadata.Interface

	// Seams to the network: connections to pods/portforward and pods/exec.
	dial func(ctx context.Context, namespace, pod string) (httpstream.Connection, func(), error)
	exec func(ctx context.Context, namespace, pod, container string, command []string, stdout io.Writer) error
}

// New returns a Prober. Both clients must have been made from config, whose identity, TLS settings and proxy are used for
// streams.
func New(kube kubernetes.Interface, metadata metadata.Interface, config *rest.Config) *Prober {
	streams := streamer{kube: kube, config: config}
	return &Prober{kube: kube, metadata: metadata, dial: streams.dial, exec: streams.exec}
}

// Run runs one check in the sandbox to which it belongs and returns its verdict: pass, fail, or unknown when it was cut off or
// nothing answered that could tell. timeout is used for a
// check without one of its own; zero stands for the default of the kind of check. Run returns at the latest when ctx ends,
// give or take a second: what hangs is left behind.
func (p *Prober) Run(ctx context.Context, check v1alpha1.HealthCheck, sandboxes []v1alpha1.SandboxNamespace, timeout time.Duration) v1alpha1.CheckStatus {
	start := time.Now()
	type outcome struct {
		passed
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		how, err := p.run(ctx, check, sandboxes, timeout)
		if err != nil && ctx.Err() == nil {
			err = p.unlost(ctx, sandboxes, err)
		}
		done <- outcome{how, err}
	}()
	var got outcome
	select {
	case got = <-done:
	case <-ctx.Done():
		select {
		case got = <-done:
		case <-time.After(grace):
			got.err = errCut
		}
	}

	status := v1alpha1.CheckStatus{
		Name:        check.Name,
		Status:      v1alpha1.CheckPass,
		Duration:    v1alpha1.Of(time.Since(start).Round(time.Millisecond)),
		Message:     sanitize(got.message),
		ReadVolumes: got.volumes,
	}
	if got.err != nil {
		status.Status, status.Message, status.ReadVolumes = v1alpha1.CheckFail, sanitize(got.err.Error()), nil
		if errors.As(got.err, &untold{}) {
			status.Status = v1alpha1.CheckUnknown
		}
	}
	return status
}

// passed is what is to be said of a check that passed. volumes are the claims that it has read, "namespace: name".
type passed struct {
	message string
	volumes []string
}

// saying is for checks of which nothing but a message is to be said.
func saying(message string, err error) (passed, error) { return passed{message: message}, err }

// run returns what is to be said of a check that passed, or why it failed.
func (p *Prober) run(ctx context.Context, check v1alpha1.HealthCheck, sandboxes []v1alpha1.SandboxNamespace, timeout time.Duration) (passed, error) {
	among, err := candidates(check.Namespace, sandboxes)
	if err != nil {
		return passed{}, err
	}
	bound := func(own v1alpha1.Duration, fallback time.Duration) time.Duration {
		if timeout > 0 {
			fallback = timeout
		}
		return own.Or(fallback)
	}
	switch {
	case check.HTTPGet != nil:
		c := check.HTTPGet
		return saying(attempts(ctx, c.Retries, bound(c.Timeout, connectTimeout), "no answer", func(ctx context.Context) (string, error) {
			return p.httpGet(ctx, among, c)
		}))
	case check.TCPSocket != nil:
		c := check.TCPSocket
		return saying(attempts(ctx, c.Retries, bound(c.Timeout, connectTimeout), "the connection was neither accepted nor refused", func(ctx context.Context) (string, error) {
			return p.tcpSocket(ctx, among, c)
		}))
	case check.Exec != nil:
		c := check.Exec
		return attempts(ctx, c.Retries, bound(c.Timeout, defaultTimeout), "the command did not end", func(ctx context.Context) (passed, error) {
			return p.execCommand(ctx, among, c)
		})
	case check.PodStatus != nil:
		c := check.PodStatus
		return saying(attempts(ctx, 1, bound(c.Timeout, defaultTimeout), "not enough pods became ready", func(ctx context.Context) (string, error) {
			return p.podStatus(ctx, among, c)
		}))
	case check.ResourceExists != nil:
		return saying(attempts(ctx, 1, bound("", defaultTimeout), "the API server did not answer", func(ctx context.Context) (string, error) {
			return p.resourceExists(ctx, among, check.ResourceExists)
		}))
	}
	return passed{}, fmt.Errorf("the check has no %s: add it to the HealthCheckPolicy", check.Type)
}

// errCut is of a check that the end of the run found unfinished.
var errCut = untold{errors.New("not finished before the run's deadline")}

package probe

import (
	"context"
	"errors"
	"fmt"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// tcpSocket passes when the port accepts a connection.
//
// A port-forward reports a refused connection some time later, and an accepted one not at all; a server that waits for
// its client to speak sends nothing either. So no time of silence proves anything. What proves it is the end: we close our
// side at once, the node then ends the forward (container runtimes wait up to a second for the server's last words) and
// closes the stream of errors, empty if it was connected. Data from the server proves it sooner.
func (p *Prober) tcpSocket(ctx context.Context, among []v1alpha1.SandboxNamespace, check *v1alpha1.TCPSocketCheck) (string, error) {
	at, err := p.endpoint(ctx, among, check.Service, check.Port)
	if err != nil {
		return "", err
	}
	t, err := p.open(ctx, at)
	if err != nil {
		return "", err
	}
	defer t.Close()
	_ = t.closeWrite() // fails only when the other side has ended already, which is told below

	spoke := make(chan struct{})
	go func() {
		if n, _ := t.Read(make([]byte, 1)); n > 0 {
			close(spoke)
		}
	}()
	accepted := fmt.Sprintf("port %d of pod %s accepts connections%s", at.port, at.pod, at.several)
	select {
	case <-spoke:
		return accepted, nil
	case <-t.ended:
		if t.refusal == nil || errors.Is(t.refusal, errReset) {
			return accepted, nil
		}
		return "", fmt.Errorf("port %d of pod %s: %w", at.port, at.pod, t.refusal)
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

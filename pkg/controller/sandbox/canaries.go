package sandbox

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// lookAgain is how long a sandbox that waits for a proof of isolation lets canaries be.
const lookAgain = 2 * time.Second

// Modes of Options.IsolationProof.
const (
	// ProofRequired: no sandbox without a proof that NetworkPolicies are enforced.
	ProofRequired = "require"
	// ProofReported: the run goes on, and says what is known.
	ProofReported = "report"
	// ProofOff: nobody looks.
	ProofOff = "off"
)

// Options of the sandbox controller.
type Options struct {
	// SystemNamespace is that of our DNS.
	SystemNamespace string
	// IsolationProof is one of the modes above.
	IsolationProof string
}

// isolation asks what the canaries show at this moment. They are asked for only when a sandbox waits for it, so they are not
// watched.
func (c *Controller) isolation(ctx context.Context) (proof, error) {
	if c.proof == ProofOff {
		return proof{state: v1alpha1.IsolationOff}, nil
	}
	pods, err := c.kube.CoreV1().Pods(canaryNamespace).List(ctx, metav1.ListOptions{LabelSelector: canarySelector})
	if err != nil {
		return proof{}, fmt.Errorf("list canaries: %w", err)
	}
	return prove(pods.Items, time.Now()), nil
}

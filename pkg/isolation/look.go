package isolation

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kymaros/kymaros/pkg/canary"
)

// Modes of the controller's flag --isolation-proof.
const (
	// Required: no sandbox, and no restore, without a proof that NetworkPolicies are enforced.
	Required = "require"
	// Reported: the run goes on, and says what is known.
	Reported = "report"
	// Off: nobody looks.
	Off = "off"
)

// Look asks what the canaries show at this moment. They are asked for only when a run waits for it, so they are not watched.
func Look(ctx context.Context, kube kubernetes.Interface) (Proof, error) {
	pods, err := kube.CoreV1().Pods(canary.Namespace).List(ctx, metav1.ListOptions{LabelSelector: canarySelector})
	if err != nil {
		return Proof{}, fmt.Errorf("list canaries: %w", err)
	}
	return Prove(pods.Items, time.Now()), nil
}

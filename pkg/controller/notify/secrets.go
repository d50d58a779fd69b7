package notify

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/kymaros/kymaros/pkg/notify"
)

// SecretsRole is the ClusterRole of the manifests that lets Secrets be read, wherever somebody binds it.
const SecretsRole = "kymaros-notification-secrets"

// secretError is why a delivery was not tried. Its text may be shown.
type secretError struct {
	text      string
	permanent bool
}

func (e *secretError) Error() string { return e.text }

// secrets reads those of tests. It keeps none.
type secrets struct {
	client corev1client.SecretsGetter
	// account is the ServiceAccount of the process, "namespace:name".
	account string
}

// receiver returns what c is, with what its Secret holds at this moment.
func (s secrets) receiver(ctx context.Context, namespace string, c *channel, installation Installation) (notify.Channel, error) {
	receiver := notify.Channel{Type: c.spec.Type, Channel: c.spec.Channel, To: c.spec.To}
	keys := notify.SecretKeys(c.spec.Type)
	if len(keys) == 0 {
		return receiver, nil
	}
	if c.spec.WebhookSecretRef == "" {
		return receiver, &secretError{permanent: true, text: c.where + ".webhookSecretRef is empty: name the Secret there that holds " + strings.Join(keys, ", ")}
	}
	var err error
	if c.installation {
		receiver.Secret, err = installation.Secret(c.spec.WebhookSecretRef, keys)
	} else {
		receiver.Secret, err = s.read(ctx, namespace, c.spec.WebhookSecretRef, keys)
	}
	return receiver, err
}

// read returns those keys of a Secret that it has.
func (s secrets) read(ctx context.Context, namespace, name string, keys []string) (map[string][]byte, error) {
	secret, err := s.client.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		return nil, &secretError{text: fmt.Sprintf(aboutSecret+"%s may not be read. Who may bind roles in namespace %s lets it be: "+
			"kubectl -n %s create rolebinding kymaros-notifications --clusterrole=%s --serviceaccount=%s", name, namespace, namespace, SecretsRole, s.account)}
	case apierrors.IsNotFound(err):
		return nil, &secretError{text: fmt.Sprintf(aboutSecret+"%s does not exist in namespace %s: "+
			"kubectl -n %s create secret generic %s --from-literal=%s=VALUE", name, namespace, namespace, name, keys[0])}
	case err != nil:
		return nil, &secretError{text: "the API server did not give Secret " + name} // its words change, and may hold anything
	}
	found := map[string][]byte{}
	for _, key := range keys {
		if value, ok := secret.Data[key]; ok {
			found[key] = value
		}
	}
	return found, lacks(found, keys, name, "namespace "+namespace)
}

// lacks returns an error if the Secret has nothing that the type cannot do without. Somebody may add it: it is tried again.
func lacks(found map[string][]byte, keys []string, name, where string) error {
	if len(found[keys[0]]) > 0 || len(keys) > 1 && keys[1] == "webhook-url" && len(found[keys[1]]) > 0 {
		return nil
	}
	return &secretError{text: fmt.Sprintf(aboutSecret+"%s in %s has no key %s", name, where, keys[0])}
}

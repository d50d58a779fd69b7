package notify

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/notify"
)

func TestASecretThatCannotBeReadIsSaidWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"it may not be read": {
			apierrors.NewForbidden(corev1.Resource("secrets"), "hook", errors.New("no")),
			"Secret hook may not be read. Who may bind roles in namespace team lets it be: kubectl -n team create rolebinding kymaros-notifications --clusterrole=kymaros-notification-secrets --serviceaccount=kymaros-system:kymaros-notify",
		},
		"there is none": {
			apierrors.NewNotFound(corev1.Resource("secrets"), "hook"),
			"Secret hook does not exist in namespace team: kubectl -n team create secret generic hook --from-literal=url=VALUE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &receivers{}
				rt := freshTest("shop")
				s := work(t, r)
				var broken atomic.Bool
				broken.Store(true)
				s.kube.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return broken.Load(), nil, c.err })
				if _, err := s.client.RestoreV1alpha1().RestoreTests("team").Create(t.Context(), rt, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				got := meta.FindStatusCondition(s.test("shop").Status.Conditions, v1alpha1.ConditionNotified)
				if got == nil || got.Status != metav1.ConditionFalse || got.Reason != v1alpha1.ReasonSecretNotReadable || !strings.Contains(got.Message, c.want) {
					t.Errorf("condition %+v", got)
				}
				broken.Store(false)
				time.Sleep(10 * time.Minute)
				s.stop()
				if d := delivery(s.test("shop")); d.State != v1alpha1.DeliverySent {
					t.Errorf("with the Secret: %+v", d)
				}
			})
		})
	}
}

func TestWordsOfOthersAreNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{answer: func(context.Context, notify.Channel, notify.Message) error {
			return errors.New("dial https://hooks.example.org/SECRET")
		}}
		s := work(t, r, freshTest("shop"))
		time.Sleep(time.Minute)
		s.stop()
		if d := delivery(s.test("shop")); d.LastError != "it could not be sent" {
			t.Errorf("got %q", d.LastError)
		}
	})
}

package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
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

func TestASecretIsReadAnewForEachTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var used []string
		r := &receivers{answer: func(_ context.Context, c notify.Channel, _ notify.Message) error {
			used = append(used, string(c.Secret["url"]))
			if len(used) < 2 {
				return &notify.SendError{}
			}
			return nil
		}}
		s := work(t, r, freshTest("shop"))
		synctest.Wait()
		turned := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "hook"}, Data: map[string][]byte{"url": []byte("turned")}}
		if _, err := s.kube.CoreV1().Secrets("team").Update(t.Context(), turned, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.stop()
		if want := []string{"hook", "turned"}; !slices.Equal(used, want) {
			t.Errorf("it was tried with %q, want %q", used, want)
		}
		for _, a := range s.kube.Actions() {
			if !a.Matches("get", "secrets") && !a.Matches("update", "secrets") {
				t.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
			}
		}
	})
}

func TestNoSecretIsLoggedOrInAnObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const word = "hunter2"
		answers := []error{&notify.SendError{}, fmt.Errorf("dial https://%s", word), nil}
		r := &receivers{}
		r.answer = func(context.Context, notify.Channel, notify.Message) error { return answers[len(r.ids())-1] }
		rt := freshTest("shop")
		rt.Spec.Notifications.OnFailure[0].WebhookSecretRef = "words"
		s := set(t, r, rt)
		var log bytes.Buffer
		s.log = &log
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "words"}, Data: map[string][]byte{
			"url": []byte("https://" + word), "signing-key": []byte(word), "authorization": []byte(word), "other": []byte(word),
		}}
		if err := s.kube.Tracker().Add(secret); err != nil {
			t.Fatal(err)
		}
		s.start()
		time.Sleep(time.Minute)
		s.stop()
		if d := delivery(s.test("shop")); d.State != v1alpha1.DeliverySent || d.Attempts != 3 {
			t.Fatalf("got %+v", d)
		}
		if log.Len() == 0 {
			t.Error("nothing is logged")
		}
		for what, text := range map[string]string{"the log": log.String(), "the test": fmt.Sprintf("%+v", s.test("shop"))} {
			if strings.Contains(text, word) || strings.Contains(text, fmt.Sprint([]byte(word))) {
				t.Errorf("the Secret is in %s: %s", what, text)
			}
		}
	})
}

func TestWhatASecretMustHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{}
		var tests []*v1alpha1.RestoreTest
		for name, c := range map[string]v1alpha1.NotificationChannel{
			"no-secret": {Type: "slack"}, "no-key": {Type: "opsgenie", WebhookSecretRef: "hook"}, "old-key": {Type: "slack", WebhookSecretRef: "old"},
		} {
			rt := freshTest(name)
			rt.Spec.Notifications.OnFailure[0] = c
			tests = append(tests, rt)
		}
		s := set(t, r, tests...)
		old := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "old"}, Data: map[string][]byte{"webhook-url": []byte("old")}}
		if err := s.kube.Tracker().Add(old); err != nil {
			t.Fatal(err)
		}
		s.start()
		time.Sleep(time.Minute)
		s.stop()
		for name, want := range map[string]struct {
			state   v1alpha1.DeliveryState
			problem string
		}{
			"no-secret": {v1alpha1.DeliveryUndeliverable, "spec.notifications.onFailure[0].webhookSecretRef is empty: name the Secret there that holds url, webhook-url"},
			"no-key":    {v1alpha1.DeliveryPending, "Secret hook in namespace team has no key api-key"}, // somebody may add it
			"old-key":   {v1alpha1.DeliverySent, ""},
		} {
			if d := delivery(s.test(name)); d.State != want.state || d.LastError != want.problem {
				t.Errorf("%s: %s, %q; want %s, %q", name, d.State, d.LastError, want.state, want.problem)
			}
		}
		if n := len(r.ids()); n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

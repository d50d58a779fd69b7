package notify

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
	"github.com/kymaros/kymaros/pkg/notify"
)

func TestTheFileOfTheInstallation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notifications.yaml")
	d := &defaults{from: Installation{File: file}}
	write := func(text string) bool {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return d.look(t.Context())
	}
	d.look(t.Context())
	if d.get() != nil || d.bad != nil {
		t.Errorf("without a file there is %v, %v", d.get(), d.bad)
	}
	if !write("onFailure:\n- {type: slack, webhookSecretRef: ops}\n") || len(d.get().OnFailure) != 1 {
		t.Errorf("a file that came is not read: %v", d.get())
	}
	if write("onFailure:\n- {type: slack, webhookSecretRef: ops}\n") {
		t.Error("a file that says the same is something new")
	}
	for text, want := range map[string]string{
		"onFailures: []": "onFailures", "- a": "what spec.notifications of a RestoreTest may be", "onFailure: [{type: pigeon}]": `onFailure[0].type: "pigeon" is none of slack`,
		"onSuccess: [{type: slack}]": "onSuccess[0].webhookSecretRef", "onFailure: [{type: email}]": "onFailure[0].to", "regressionPoints: 101": "regressionPoints",
	} {
		if write(text) || d.bad == nil || !strings.Contains(d.bad.Error(), want) {
			t.Errorf("%s: %v", text, d.bad)
		}
		if n := d.get(); n == nil || len(n.OnFailure) != 1 {
			t.Errorf("%s: what was there before is gone: %v", text, n)
		}
	}
	if !write("regressionPoints: 5") || d.bad != nil || *d.get().RegressionPoints != 5 {
		t.Errorf("one that is right again: %v, %v", d.get(), d.bad)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if !d.look(t.Context()) || d.get() != nil {
		t.Errorf("without it: %v", d.get())
	}
}

func TestSecretsOfTheInstallation(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"ops.url": "https://example.org\n", "other.url": "no", "ops.token": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i := Installation{SecretDirectory: dir}
	got, err := i.Secret("ops", []string{"url", "webhook-url"})
	if err != nil || len(got) != 1 || string(got["url"]) != "https://example.org" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := i.Secret("pager", []string{"routing-key"}); err == nil || !strings.Contains(err.Error(), "no key pager.routing-key") {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(dir), "outside.url"), []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := i.Secret("../outside", []string{"url"}); err == nil {
		t.Errorf("a name led elsewhere: %q", got)
	}
}

func TestWhoseChannelsCount(t *testing.T) {
	installation := &v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{{Type: "slack", WebhookSecretRef: "ops"}}}
	for name, c := range map[string]struct {
		own  *v1alpha1.Notifications
		want string
	}{
		"a test that says nothing has those of the installation": {nil, "installation/slack/ops"},
		"one that says {} has none":                              {&v1alpha1.Notifications{}, ""},
		"one that names some has those":                          {&v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{slack}}, slackKey},
	} {
		t.Run(name, func(t *testing.T) {
			var keys []string
			for _, ch := range channelsOf(c.own, installation) {
				keys = append(keys, ch.key)
			}
			if got := strings.Join(keys, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	mails := channelsOf(&v1alpha1.Notifications{OnFailure: []v1alpha1.NotificationChannel{
		{Type: "email", To: []string{"b@example.org", "a@example.org"}}, {Type: "email", To: []string{"c@example.org"}},
	}, OnSuccess: []v1alpha1.NotificationChannel{{Type: "email", To: []string{"a@example.org", "b@example.org"}}}}, nil)
	if len(mails) != 2 || mails[0].failure != all || mails[0].success != all || strings.Contains(mails[0].key, "example") {
		t.Errorf("got %+v", mails)
	}
}

// mute is a test that says nothing of notifications, in a namespace.
func mute(namespace, name string) *v1alpha1.RestoreTest {
	rt := freshTest(name)
	rt.Namespace, rt.Spec.Notifications, rt.Status.Notifications = namespace, nil, nil
	return rt
}

func TestTheInstallationIsToldOfTestsThatSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		file := filepath.Join(dir, "notifications.yaml")
		write := func(name, text string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("ops.url", "https://ops.example.org\n")
		var once sync.Once
		r := &receivers{answer: func(_ context.Context, c notify.Channel, _ notify.Message) (err error) {
			if string(c.Secret["url"]) != "https://ops.example.org" {
				t.Errorf("the receiver is %+v", c)
			}
			once.Do(func() { err = &notify.SendError{RetryAfter: 90 * time.Second} })
			return err
		}}
		worse := mute("team", "shop") // by less than the points that there are by default
		worse.Status.LastResult, worse.Status.LastScore, worse.Status.LastRun.PreviousScore = v1alpha1.ResultPartial, new(int32(90)), new(int32(98))
		s := set(t, r, worse, mute("other", "web"))
		s.installation = Installation{File: file, SecretDirectory: dir}
		s.start()
		time.Sleep(time.Minute)
		if got := r.ids(); len(got) > 0 {
			t.Errorf("without a file %v were told", got)
		}
		write("notifications.yaml", "regressionPoints: 5\nonFailure:\n- {type: slack, webhookSecretRef: ops}\n")
		time.Sleep(10 * time.Minute) // nothing else happens
		s.stop()
		var told []string
		for _, m := range r.got {
			said := m.Test.Namespace + "/" + m.Test.Name + " " + string(m.Event)
			for _, e := range m.Also {
				said += " " + string(e)
			}
			told = append(told, said)
		}
		slices.Sort(told)
		if want := []string{"other/web failed", "team/shop partial regressed"}; !slices.Equal(slices.Compact(told), want) {
			t.Errorf("told %q, want %q", told, want)
		}
		// It is one receiver, whoever's test it is told of: all leave it alone for as long as it asks.
		if len(r.when) != 3 || r.when[1].Sub(r.when[0]) < 90*time.Second {
			t.Errorf("requests at %v", r.when)
		}
		for _, a := range s.kube.Actions() {
			t.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	})
}

func TestAFileThatCannotBeUsedIsInTheMetrics(t *testing.T) {
	metrics.RegisterNotifications()
	file := filepath.Join(t.TempDir(), "notifications.yaml")
	d := &defaults{from: Installation{File: file}}
	for _, c := range []struct {
		text string
		want float64
	}{{"onFailures: []", 0}, {"onFailure: []", 1}} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		d.look(t.Context())
		if got := exported(t, "kymaros_notification_defaults_valid", nil); got != c.want {
			t.Errorf("%s: the metric is %v, want %v", c.text, got, c.want)
		}
	}
}

func TestTwoNamespacesHaveTwoReceiversThoughTheirSecretsHaveOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receivers{answer: func(_ context.Context, _ notify.Channel, m notify.Message) error {
			if m.Test.Namespace == "other" {
				time.Sleep(10 * time.Second)
				return &notify.SendError{RetryAfter: time.Hour}
			}
			return nil
		}}
		other := freshTest("web")
		other.Namespace = "other"
		s := set(t, r, other)
		secret, err := s.kube.CoreV1().Secrets("team").Get(t.Context(), "hook", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		secret = secret.DeepCopy()
		secret.Namespace = "other"
		if err := s.kube.Tracker().Add(secret); err != nil {
			t.Fatal(err)
		}
		s.start()
		time.Sleep(time.Second)
		if _, err := s.client.RestoreV1alpha1().RestoreTests("team").Create(t.Context(), freshTest("shop"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if d := delivery(s.test("shop")); d.State != v1alpha1.DeliverySent {
			t.Errorf("while the other is asked: %+v", d)
		}
		s.stop()
	})
}

package notify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
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
	if got, err := i.Secret("../"+filepath.Base(dir)+"/other", []string{"url"}); err == nil && string(got["url"]) != "no" {
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

package doctor

import (
	"crypto/ed25519"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// signing returns an installation whose newest report, of an hour ago, is signed by a key that is known.
func signing(t *testing.T) *Evidence {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := evidence.KeyID(public)
	if err != nil {
		t.Fatal(err)
	}
	created := ago(100 * time.Hour)
	return &Evidence{
		Dir: "/etc/kymaros/evidence-key", Secret: "kymaros-evidence-key", Created: &created, Keys: evidence.Keys{id: public},
		Newest: []*v1alpha1.RestoreReport{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-1"},
			Status:     &v1alpha1.RestoreReportStatus{CompletedAt: ago(time.Hour), Evidence: &v1alpha1.Evidence{Sequence: 1, KeyID: id}},
		}},
	}
}

func TestTheKeysThatSignReports(t *testing.T) {
	unsigned := func(e *Evidence, why string) {
		e.Newest[0].Status.Evidence.KeyID, e.Newest[0].Status.Evidence.NotSigned = "", why
	}
	for sentence, c := range map[string]struct {
		plant func(*Evidence)
		state State
		text  string
	}{
		"reports are signed":                {func(*Evidence) {}, OK, "the newest reports are signed"},
		"nobody wants them signed":          {func(e *Evidence) { e.Created = nil; unsigned(e, "there is no key") }, OK, "there is no Secret kymaros-system/kymaros-evidence-key"},
		"the controller has no directory":   {func(e *Evidence) { e.Dir, e.Secret = "", ""; unsigned(e, "") }, OK, "no --evidence-key-dir"},
		"no Secret is mounted":              {func(e *Evidence) { e.Secret = "" }, Warning, "where no Secret is mounted"},
		"the Secret is gone":                {func(e *Evidence) { e.Created = nil }, Warning, "is gone"},
		"the Secret may not be seen":        {func(e *Evidence) { e.Created, e.Hidden = nil, true }, OK, "the newest reports are signed"},
		"nor is a report signed":            {func(e *Evidence) { e.Created, e.Hidden = nil, true; unsigned(e, "there is no key: put one") }, OK, "you may not see"},
		"nor can the key be used":           {func(e *Evidence) { e.Created, e.Hidden = nil, true; unsigned(e, "key a.pem: no private key in PEM") }, Warning, "no private key in PEM"},
		"a report is not signed with a key": {func(e *Evidence) { unsigned(e, "there is no key") }, Warning, "report team/shop-1 is not signed, although there is a key: there is no key"},
		"the key came after the report":     {func(e *Evidence) { e.Created.Time = now; unsigned(e, "there is no key") }, OK, "and no report since"},
		"the public key is not known":       {func(e *Evidence) { clear(e.Keys) }, Warning, "whose public key is not in ConfigMap kymaros-system/kymaros-evidence-keys"},
		"a private key is told to all":      {func(e *Evidence) { e.Wrong = "a.pem: a PRIVATE KEY is no PUBLIC KEY" }, Failed, "cannot be used: a.pem"},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := healthy()
			s.Evidence = signing(t)
			c.plant(s.Evidence)
			said := false
			for _, r := range Check(s) {
				if !strings.HasPrefix(r.Check, "evidence ") {
					continue
				}
				if strings.Contains(r.Text, c.text) && r.State == c.state {
					said = true
				} else if r.State != OK {
					t.Errorf("besides: %+v", r)
				}
				if (r.State == OK) != (r.Fix == "") {
					t.Errorf("%+v: what to do?", r)
				}
			}
			if !said {
				t.Errorf("%s %q is not said: %+v", c.state, c.text, Check(s))
			}
		})
	}
}

func TestWhichSecretTheControllerTakesKeysFrom(t *testing.T) {
	volumes := []corev1.Volume{{Name: "token"}, {Name: "keys", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "mine"}}}}
	for sentence, c := range map[string]struct {
		container corev1.Container
		dir       string
		secret    string
	}{
		"none":    {corev1.Container{}, "", ""},
		"by env":  {corev1.Container{Env: []corev1.EnvVar{{Name: "KYMAROS_EVIDENCE_KEY_DIR", Value: "/keys"}}, VolumeMounts: []corev1.VolumeMount{{Name: "keys", MountPath: "/keys/"}}}, "/keys", "mine"},
		"by flag": {corev1.Container{Args: []string{"--evidence-key-dir=/keys"}, VolumeMounts: []corev1.VolumeMount{{Name: "keys", MountPath: "/keys"}}}, "/keys", "mine"},
		"elsewhere": {corev1.Container{Args: []string{"--evidence-key-dir=/keys"}, VolumeMounts: []corev1.VolumeMount{{Name: "keys", MountPath: "/other"}}},
			"/keys", ""},
	} {
		dir, secret := mountedKeys(&corev1.PodSpec{Containers: []corev1.Container{c.container}, Volumes: volumes})
		if dir != c.dir || secret != c.secret {
			t.Errorf("%s: got %q, %q", sentence, dir, secret)
		}
	}
}

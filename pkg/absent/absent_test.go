package absent

import (
	"slices"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestWhatIsNotThereMayBeLeftOutByTheTest(t *testing.T) {
	const (
		mount   = `MountVolume.SetUp failed for volume "c" : secret "api" not found`
		claim   = `0/1 nodes are available: persistentvolumeclaim "data" not found. not found`
		account = `pods "web-" is forbidden: error looking up service account sbx/web: serviceaccount "web" not found`
		pull    = "Unable to retrieve some image pull secrets (regcred, old); attempting to pull the image may not succeed."
		key     = `MountVolume.SetUp failed for volume "c" : references non-existent secret key: token`
		late    = "Unable to attach or mount volumes: timed out waiting for the condition"
	)
	excluding := func(names ...v1alpha1.ResourceName) v1alpha1.RestoreTestSpec {
		return v1alpha1.RestoreTestSpec{Restore: &v1alpha1.RestoreScope{ExcludedResources: names}}
	}
	web := v1alpha1.RestoreTestSpec{BackupSource: v1alpha1.BackupSource{LabelSelector: map[string]string{"tier": "web"}}}
	for name, c := range map[string]struct {
		test     v1alpha1.RestoreTestSpec
		messages []string
		things   []string
		want     string
	}{
		"a Secret, and the test restores Secrets": {v1alpha1.RestoreTestSpec{}, []string{mount}, []string{`secret "api" not found`}, ""},
		"a Secret, and it does not":               {excluding("secrets"), []string{mount, mount, late}, []string{`secret "api" not found`}, `left out by the test (spec.restore.excludedResources): secret "api" not found`},
		"a ConfigMap, and it leaves out Secrets":  {excluding("secrets"), []string{`configmap "app" not found`}, []string{`configmap "app" not found`}, ""},
		"a ConfigMap as well": {excluding("secrets"), []string{`configmap "app" not found`, mount},
			[]string{`configmap "app" not found`, `secret "api" not found`}, ""},
		"both, and it selects by labels": {web, []string{`configmap "app" not found`, mount},
			[]string{`configmap "app" not found`, `secret "api" not found`}, `perhaps left out by the test (spec.backupSource.labelSelector): configmap "app" not found, secret "api" not found`},
		"a claim":                      {excluding("persistentvolumeclaims"), []string{claim}, []string{`persistentvolumeclaim "data" not found`}, `left out by the test (spec.restore.excludedResources): persistentvolumeclaim "data" not found`},
		"a ServiceAccount":             {excluding("serviceaccounts"), []string{account}, []string{`serviceaccount "web" not found`}, `left out by the test (spec.restore.excludedResources): serviceaccount "web" not found`},
		"Secrets to pull an image":     {excluding("secrets"), []string{pull}, []string{"image pull secrets (regcred, old)"}, "left out by the test (spec.restore.excludedResources): image pull secrets (regcred, old)"},
		"a key of a Secret that is":    {web, []string{key}, []string{"references non-existent secret key: token"}, ""},
		"a volume that comes late":     {web, []string{late}, nil, ""},
		"nothing that anybody told of": {web, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Things(c.messages...); !slices.Equal(got, c.things) {
				t.Errorf("got %q, want %q", got, c.things)
			}
			if got := LeftOut(&c.test, c.messages...); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

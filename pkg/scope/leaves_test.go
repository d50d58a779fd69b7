package scope

import (
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestWhatATestLeavesOut(t *testing.T) {
	secret := schema.GroupKind{Kind: "Secret"}
	without := func(names ...v1alpha1.ResourceName) v1alpha1.RestoreTestSpec {
		return v1alpha1.RestoreTestSpec{Restore: &v1alpha1.RestoreScope{ExcludedResources: names}}
	}
	web := v1alpha1.RestoreTestSpec{BackupSource: v1alpha1.BackupSource{LabelSelector: labels.Set{"tier": "web"}}}
	both := without("secrets")
	both.BackupSource = web.BackupSource
	for name, c := range map[string]struct {
		test v1alpha1.RestoreTestSpec
		set  labels.Set
		out  bool
		may  string
	}{
		"one that says nothing":                      {v1alpha1.RestoreTestSpec{}, nil, false, ""},
		"one that adds kinds":                        {v1alpha1.RestoreTestSpec{Restore: &v1alpha1.RestoreScope{IncludedResources: []v1alpha1.ResourceName{"certificates.cert-manager.io"}}}, nil, false, ""},
		"the kind":                                   {without("secrets"), nil, true, "spec.restore.excludedResources"},
		"another kind":                               {without("configmaps"), nil, false, ""},
		"all without its labels":                     {web, labels.Set{"tier": "db"}, true, "spec.backupSource.labelSelector"},
		"all without its labels, and it has them":    {web, labels.Set{"tier": "web", "a": "b"}, false, "spec.backupSource.labelSelector"},
		"the kind, whatever its labels":              {both, labels.Set{"tier": "web"}, true, "spec.restore.excludedResources"},
		"what runs by itself, which all tests do so": {v1alpha1.RestoreTestSpec{}, labels.Set{"job-name": "x"}, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if out, may := LeavesOut(&c.test, secret, c.set), MayLeaveOut(&c.test, secret); out != c.out || may != c.may {
				t.Errorf("got %t, %q; want %t, %q", out, may, c.out, c.may)
			}
		})
	}
}

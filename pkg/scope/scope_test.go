package scope

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var usual = []string{
	"configmaps", "controllerrevisions.apps", "cronjobs.batch", "deployments.apps", "persistentvolumeclaims", "pods", "replicasets.apps",
	"secrets", "serviceaccounts", "services", "statefulsets.apps", "volumesnapshotcontents.snapshot.storage.k8s.io", "volumesnapshots.snapshot.storage.k8s.io",
}

func without(names ...string) []string {
	var all []string
	for _, u := range usual {
		if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+u+" ") {
			all = append(all, u)
		}
	}
	return all
}

func TestResources(t *testing.T) {
	for _, tt := range []struct {
		name      string
		test      *v1alpha1.RestoreScope
		permitted []string
		want      []string
		wantErr   string
	}{
		{name: "a test that says nothing gets the list", want: usual},
		{name: "what is permitted is added", test: &v1alpha1.RestoreScope{IncludedResources: []v1alpha1.ResourceName{"aardvarks.zoo.io"}},
			permitted: []string{"aardvarks.zoo.io"}, want: append([]string{"aardvarks.zoo.io"}, usual...)},
		{name: "what is not permitted is refused by name", test: &v1alpha1.RestoreScope{IncludedResources: []v1alpha1.ResourceName{"pods", "aardvarks.zoo.io"}},
			permitted: []string{"bears.zoo.io"}, wantErr: "spec.restore.includedResources[1]: aardvarks.zoo.io is not in the controller's flag --permitted-resources (bears.zoo.io)"},
		{name: "nothing is permitted by default", test: &v1alpha1.RestoreScope{IncludedResources: []v1alpha1.ResourceName{"aardvarks.zoo.io"}}, wantErr: "--permitted-resources (empty)"},
		{name: "what is on the list may be named", test: &v1alpha1.RestoreScope{IncludedResources: []v1alpha1.ResourceName{"secrets"}}, want: usual},
		{name: "a test may leave out", test: &v1alpha1.RestoreScope{ExcludedResources: []v1alpha1.ResourceName{"cronjobs.batch", "secrets"}}, want: without("cronjobs.batch", "secrets")},
		{name: "left out wins", test: &v1alpha1.RestoreScope{
			IncludedResources: []v1alpha1.ResourceName{"secrets"}, ExcludedResources: []v1alpha1.ResourceName{"secrets"},
		}, want: without("secrets")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Resources(tt.test, tt.permitted)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("resources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPermit(t *testing.T) {
	for _, never := range []string{
		"networkpolicies.networking.k8s.io", "ciliumnetworkpolicies.cilium.io", "networkpolicies.crd.projectcalico.org", "endpoints",
		"endpointslices.discovery.k8s.io", "ingresses.networking.k8s.io", "httproutes.gateway.networking.k8s.io", "jobs.batch", "rolebindings.rbac.authorization.k8s.io",
		"validatingwebhookconfigurations.admissionregistration.k8s.io", "persistentvolumes", "resourcequotas", "restores.velero.io", "servicemonitors.monitoring.coreos.com",
		"virtualservices.networking.istio.io", "routes.route.openshift.io", "*", "", "Jobs.batch", "a,b",
	} {
		if err := Permit(never); err == nil {
			t.Errorf("%q may be permitted", never)
		}
	}
	for _, fine := range []string{"certificates.cert-manager.io", "daemonsets.apps", "horizontalpodautoscalers.autoscaling"} {
		if err := Permit(fine); err != nil {
			t.Error(err)
		}
	}
}

func TestKinds(t *testing.T) {
	secret, ingress := schema.GroupKind{Kind: "Secret"}, schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	if !Default(secret) || Default(ingress) || Default(schema.GroupKind{Group: "bitnami.com", Kind: "Secret"}) {
		t.Error("the kinds that are restored are others than expected")
	}
	test := &v1alpha1.RestoreScope{ExcludedResources: []v1alpha1.ResourceName{"secrets", "ingresses.networking.k8s.io"}}
	if !Excluded(test, secret) || Excluded(test, ingress) || Excluded(nil, secret) {
		t.Error("the kinds that a test leaves out are others than expected")
	}
}

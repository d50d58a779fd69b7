package scope

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/manifests"
)

// TestTheFenceKnowsWhatIsNeverRestored holds the list against the two policies of the fence that refuse it: one what a Restore
// says, the other what lands in a sandbox.
func TestTheFenceKnowsWhatIsNeverRestored(t *testing.T) {
	policy := func(name string) string {
		for document := range strings.SplitSeq(string(manifests.Fence), "\n---\n") {
			if strings.Contains(document, "kind: ValidatingAdmissionPolicy\n") && strings.Contains(document, "\n  name: "+name+"\n") {
				return document
			}
		}
		t.Fatalf("no policy %s", name)
		return ""
	}
	said, landed := policy("kymaros-restores"), policy("kymaros-restored")
	// What lands is refused by other means: it is a guard, which kymaros-guards keeps, or belongs to the whole cluster.
	otherwise := sets.New("networkpolicies.networking.k8s.io", "resourcequotas", "limitranges", "namespaces", "nodes", "persistentvolumes",
		"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io")
	for name := range never {
		_, group, grouped := strings.Cut(name, ".")
		// Of the core group, the policy lists what is good.
		if grouped && !strings.Contains(said, "'"+name+"'") && !strings.Contains(said, "'"+group+"'") {
			t.Errorf("kymaros-restores does not know %s", name)
		}
		if !otherwise.Has(name) && !strings.Contains(landed, "'"+name+"'") && !strings.Contains(landed, "'"+name+".'") {
			t.Errorf("kymaros-restored does not know %s", name)
		}
	}
}

// Package names derives every name and label that Kymaros gives, so that a controller that was restarted finds its own
// objects again instead of making new ones. It is pure.
package names

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

const (
	maxName  = 63 // of namespaces, and of label values
	hashSize = 6  // characters, 30 bits
	stamp    = "20060102-150405"
)

// PriorityClass is the class of restored pods, part of the manifests: they preempt nobody.
const PriorityClass = "kymaros-sandbox"

// GateContainer is the first init container of pods in sandboxes, where the policy of manifests/newborn is installed: it ends when the
// pod is cut off.
const GateContainer = "kymaros-gate"

// DNS is the Service of our DNS, in our namespace.
const DNS = "kymaros-dns"

// NoClass is the storage class of claims that have none where there is no default class, part of the manifests: no volume is made
// of it.
const NoClass = "kymaros-no-class"

// RunID names a run of the test with this UID that starts now. It is unique among all tests.
func RunID(testUID string, start time.Time) string {
	start = start.UTC()
	return start.Format(stamp) + "-" + hash(testUID, start.Format(time.RFC3339Nano))
}

// Sandbox names the namespace for one source namespace of a run: <prefix>-<test>-<6 characters>. The last part is never
// cut; what is before it is shortened with a hash.
func Sandbox(prefix, test, runID, source string) string {
	// Names of RestoreTests may have dots, names of namespaces may not.
	head := prefix + "-" + strings.ReplaceAll(test, ".", "-")
	return Shorten(head, maxName-hashSize-1) + "-" + hash(runID, source)
}

// Exempt tells whether policies of clusters exempt namespaces of this name, so that a sandbox must not have it.
func Exempt(namespace string) bool {
	return strings.HasPrefix(namespace, "kube-") || strings.HasPrefix(namespace, "openshift-")
}

// Restore names the Velero Restore of a run: kymaros-<test>-<run id>. Velero copies it into a label of every object that
// it restores, so it keeps to the length of a label value.
func Restore(test, runID string) string {
	return "kymaros-" + Shorten(strings.ReplaceAll(test, ".", "-"), maxName-len("kymaros-")-1-len(runID)) + "-" + runID
}

// Report names the report of a run that started then: <test>-<start in UTC>.
func Report(test string, start time.Time) string {
	return Shorten(test, 253-1-len(stamp)) + "-" + start.UTC().Format(stamp)
}

// Shorten returns s, or if s is longer than max characters its beginning and a hash of all of it.
func Shorten(s string, max int) string {
	if len(s) <= max {
		return s
	}
	return strings.TrimRight(s[:max-hashSize-1], "-._") + "-" + hash(s)
}

// Labels returns the labels of an object in or for a sandbox of rt's run. sandbox is the name of its namespace.
func Labels(rt *v1alpha1.RestoreTest, sandbox string) map[string]string {
	return map[string]string{
		v1alpha1.LabelManagedBy:            v1alpha1.ManagedBy,
		v1alpha1.LabelTest:                 LabelValue(rt.Name),
		v1alpha1.LabelRestoreTestNamespace: rt.Namespace,
		v1alpha1.LabelTestNamespace:        sandbox,
		v1alpha1.LabelGroup:                rt.Status.Run.ID,
		v1alpha1.LabelRun:                  rt.Status.Run.ID,
	}
}

// Lost returns those of the labels want that live does not have. An older version did not give the one with the namespace of
// the test, and the fence lets nobody add it: people find sandboxes by it, nothing here does, so a run goes on over an upgrade
// without.
func Lost(live, want map[string]string) map[string]string {
	lost := map[string]string{}
	for key, value := range want {
		have, ok := live[key]
		if have != value && (ok || key != v1alpha1.LabelRestoreTestNamespace) {
			lost[key] = value
		}
	}
	return lost
}

// Annotations returns the annotations of an object in or for a sandbox of rt's run.
func Annotations(rt *v1alpha1.RestoreTest) map[string]string {
	return map[string]string{v1alpha1.AnnotationRestoreTest: rt.Namespace + "/" + rt.Name}
}

// LabelValue returns name as the value of a label.
func LabelValue(name string) string { return Shorten(name, maxName) }

// hash returns six characters of a-z and 2-7 that depend on all parts.
func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:hashSize]
}

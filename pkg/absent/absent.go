// Package absent reads what a pod needs that is not there, in the words of the kubelet, the scheduler and the API server, and tells
// whether the test left it out. It is pure.
package absent

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/hindrance"
	"github.com/kymaros/kymaros/pkg/scope"
)

// Reasons of the events by which a kubelet tells of it.
const (
	// FailedMount is of a volume that is to be filled with it: the pod just waits.
	FailedMount = "FailedMount"
	// FailedPullSecrets is of Secrets without which an image may not be pulled.
	FailedPullSecrets = "FailedToRetrieveImagePullSecret"
)

// things finds what is not there. A key is one of an object that is.
var things = regexp.MustCompile(`(?i)(secret|configmap|persistentvolumeclaim|serviceaccount) "[^"]+" not found|` +
	`references non-existent (?:secret|config) key: \S+|image pull secrets \([^)]+\)`)

// Things returns what is not there by messages, in their words, sorted and each once.
func Things(messages ...string) []string {
	var all []string
	for _, m := range messages {
		all = append(all, things.FindAllString(m, -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// LeftOut says of what is not there by messages that the test leaves it out, and by which of its fields; empty unless that may be so of
// all of it. A pod that lacks anything else as well would not start in a real restore either.
func LeftOut(test *v1alpha1.RestoreTestSpec, messages ...string) string {
	all := Things(messages...)
	how := hindrance.LeftOut
	var fields []string
	for _, thing := range all {
		field := scope.MayLeaveOut(test, kindOf(thing))
		if field == "" {
			return ""
		}
		if !scope.Excluded(test.Restore, kindOf(thing)) {
			how = "perhaps " + hindrance.LeftOut
		}
		fields = append(fields, field)
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(fields)
	// The field first: what follows is cut off where it gets too long.
	return fmt.Sprintf("%s (%s): %s", how, strings.Join(slices.Compact(fields), ", "), strings.Join(all, ", "))
}

// kindOf returns the kind of a thing that is not there; none for a key.
func kindOf(thing string) schema.GroupKind {
	word, _, _ := strings.Cut(strings.ToLower(thing), " ")
	return schema.GroupKind{Kind: map[string]string{
		"secret": "Secret", "image": "Secret", "configmap": "ConfigMap", "persistentvolumeclaim": "PersistentVolumeClaim", "serviceaccount": "ServiceAccount",
	}[word]}
}

package restore

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// What a test maps stands between these two lines of the rules. The fence looks for the same, and for the form of each line between
// them: storage classes of claims, and node selectors of pods.
const mappingsBegin, mappingsEnd = "# mappings begin\n", "# mappings end\n"

// mappingRules returns what stands between the lines for m, which may be nil. Velero cannot replace a part of a value, so image
// registries are not among it: see manifests/mappings.
func mappingRules(m *v1alpha1.Mappings) string {
	if m == nil {
		return ""
	}
	var text strings.Builder
	rule := func(resource, path, value string, patch any) {
		data, err := json.Marshal(patch)
		if err != nil {
			return // of plain values it is always made
		}
		// In double quotes, so that Velero takes no value for a number or a boolean.
		fmt.Fprintf(&text, "- {conditions: {groupResource: %s, matches: [{path: %s, value: '%q'}]}, mergePatches: [{patchData: '%s'}]}\n", resource, path, value, data)
	}
	for _, c := range m.StorageClasses {
		rule("persistentvolumeclaims", "/spec/storageClassName", string(c.From), map[string]any{
			"metadata": map[string]any{"annotations": map[string]string{v1alpha1.AnnotationMappedClass: string(c.From)}},
			"spec":     map[string]any{"storageClassName": c.To},
		})
	}
	for i, n := range m.NodeSelectors {
		selector := map[string]any{n.From.Key: nil}
		if n.To != nil {
			selector[n.To.Key] = n.To.Value
		}
		rule("pods", "/spec/nodeSelector/"+strings.ReplaceAll(n.From.Key, "/", "~1"), n.From.Value, map[string]any{
			"metadata": map[string]any{"annotations": map[string]string{fmt.Sprintf("%s%d", v1alpha1.AnnotationMappedSelector, i): n.From.String()}},
			"spec":     map[string]any{"nodeSelector": selector},
		})
	}
	return text.String()
}

// withoutMappings returns what stands before and behind the mappings in text. ok is false if there is no place for any.
func withoutMappings(text string) (before, after string, ok bool) {
	before, rest, begun := strings.Cut(text, mappingsBegin)
	_, after, ended := strings.Cut(rest, mappingsEnd)
	if !begun || !ended || strings.Contains(after, mappingsBegin) || strings.Contains(after, mappingsEnd) {
		return text, "", false
	}
	return before, after, true
}

// mappingsOf returns the rules in text that map something.
func mappingsOf(text string) string {
	_, rest, _ := strings.Cut(text, mappingsBegin)
	rules, _, _ := strings.Cut(rest, mappingsEnd)
	return rules
}

// withMappings puts rules in the place of what text maps. A text that has no place for them is as it was shipped before there were
// mappings, and good enough for who has none.
func withMappings(text, rules string) (string, error) {
	before, after, ok := withoutMappings(text)
	switch {
	case ok:
		return before + mappingsBegin + rules + mappingsEnd + after, nil
	case rules == "":
		return text, nil
	}
	return "", fmt.Errorf("it has no place for spec.restore.mappings between %q and %q", strings.TrimSpace(mappingsBegin), strings.TrimSpace(mappingsEnd))
}

// mappings of the test of a run; nil if it has none.
func mappings(rt *v1alpha1.RestoreTest) *v1alpha1.Mappings {
	if scope := rt.Status.Run.Spec.Restore; scope != nil {
		return scope.Mappings
	}
	return nil
}

package fence

import (
	"strings"
	"testing"
)

// TestWhatIsPermittedIsTheSameInTheFlagAndInTheFence: an administrator writes it in both places, and must be told which differ.
func TestWhatIsPermittedIsTheSameInTheFlagAndInTheFence(t *testing.T) {
	flag := []string{"gadgets.example.com", "certificates.cert-manager.io"}
	for name, c := range map[string]struct {
		fence string // what stands in it for []
		flag  []string
		want  string // empty: none
	}{
		"nothing in both":           {"[]", nil, ""},
		"the same in both":          {"['certificates.cert-manager.io', 'gadgets.example.com']", flag, ""},
		"in another order":          {"['gadgets.example.com','certificates.cert-manager.io',]", flag, ""},
		"with other quotes":         {`[\"gadgets.example.com\", \"certificates.cert-manager.io\"]`, flag, ""},
		"only in the flag":          {"[]", flag, "permits [], and the flag --permitted-resources says ['certificates.cert-manager.io', 'gadgets.example.com']"},
		"only in the fence":         {"['gadgets.example.com']", nil, "permits ['gadgets.example.com'], and the flag --permitted-resources says []"},
		"less in the fence":         {"['gadgets.example.com']", flag, "make them the same"},
		"something that is no list": {"object.metadata.annotations.allowed", nil, "was changed"},
		"a list that is worked out": {"['gadgets.example.com'] + []", []string{"gadgets.example.com"}, "was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := parse(text(t), shippedSystem, shippedVelero, c.flag)
			if err != nil {
				t.Fatal(err)
			}
			have := shipped(t)
			for _, policy := range []string{"kymaros-restores", "kymaros-restored"} {
				for i := range have.policies[policy].Variables {
					if v := &have.policies[policy].Variables[i]; v.Name == permittedVariable {
						v.Expression = strings.ReplaceAll(c.fence, `\"`, `"`)
					}
				}
			}
			got := differences(want, have)
			if c.want == "" {
				if len(got) > 0 {
					t.Errorf("differences %q, want none", got)
				}
				return
			}
			if len(got) != 2 || !strings.Contains(got[0], c.want) || !strings.HasPrefix(got[0], "ValidatingAdmissionPolicy kymaros-restored ") || !strings.Contains(got[1], "kymaros-restores") {
				t.Errorf("differences %q, want of both policies %q", got, c.want)
			}
		})
	}
}

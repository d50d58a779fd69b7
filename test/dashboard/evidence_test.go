package dashboard

import (
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/evidence"
)

// TestTheReportsOfTheCompanyAreChains looks whether what the pages show is what the controller would write.
func TestTheReportsOfTheCompanyAreChains(t *testing.T) {
	c, err := newChains()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range company() {
		for n := a.nights - a.older - 1; n >= 0; n-- {
			if err := c.seal(&a, a.report(time.Now(), n)); err != nil {
				t.Fatal(err)
			}
		}
		rt := a.test(time.Now())
		c.head(rt)
		if a.nights == 0 {
			continue
		}
		result := evidence.Verify(c.records[a.namespace+"/"+a.name], evidence.HeadOf(rt), evidence.Head{})
		if !result.Intact() || result.Records != a.nights-a.older || result.Pruned != a.pruned || a.signed != (result.Signed == result.Records) {
			t.Errorf("%s: %s", a.name, &result)
		}
	}
}

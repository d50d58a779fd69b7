package archive

import (
	"strings"
	"testing"
)

func TestANameTellsWhichReportItIsAndWhatIsInIt(t *testing.T) {
	for _, name := range []string{"shop-20261101-030000", "a", strings.Repeat("long", 63)} {
		r := &row{namespace: "prod", name: name, test: "shop", cluster: "c", sequence: 12}
		object := nameOf(stemOf(r), []byte("body"))
		stem, sequence, ok := parsed(object)
		if !ok || stem != stemOf(r) || sequence != 12 || len(object) > 255 {
			t.Errorf("%s: got %q, %d, %t", object, stem, sequence, ok)
		}
		if other := nameOf(stemOf(r), []byte("another")); other == object {
			t.Errorf("%s whatever is in it", object)
		}
		if !(object > number(12) && object > number(11) && object < number(13)) {
			t.Errorf("%s is not in its place", object)
		}
	}
	for _, name := range []string{"", "x.report.json", "000001-a.report.json", "000000-a-0123456789abcdef.report.json", "000001-a-0123456789abcdef.html", "-0123456789abcdef.report.json"} {
		if stem, _, ok := parsed(name); ok {
			t.Errorf("%q is taken for %q", name, stem)
		}
	}
}

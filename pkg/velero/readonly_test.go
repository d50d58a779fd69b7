package velero

import (
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestALogThatCannotBeWrittenIsSaid(t *testing.T) {
	readOnly, writable := &v1alpha1.BackupLocation{Name: "primary", ReadOnly: true}, &v1alpha1.BackupLocation{Name: "primary"}
	for name, c := range map[string]struct {
		location *v1alpha1.BackupLocation
		errors   int32
		said     bool
	}{
		"one error, read-only":                 {readOnly, 1, true},
		"no error":                             {readOnly, 0, false},
		"more than the log can be":             {readOnly, 2, false},
		"a location that takes it":             {writable, 1, false},
		"a location that nobody has looked at": {nil, 1, false},
	} {
		if got := LogNotWritten(c.location, c.errors); (got != "") != c.said || c.said && !strings.Contains(got, "location primary is ReadOnly") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

package notify

import (
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/notify"
)

func TestAMessageTakesTheHeadOfTheChainOfReportsAlong(t *testing.T) {
	const digest = "sha256:3f9a00000000000000000000000000000000000000000000000000000000a1b2"
	head := func(rt *v1alpha1.RestoreTest) { rt.Status.LastRun.Sequence, rt.Status.LastRun.Digest = 212, digest }
	named := notify.Report{Name: "shop-1"}
	whole := notify.Report{Name: "shop-1", Sequence: 212, Digest: digest}
	for name, c := range map[string]struct {
		edits []edit
		want  notify.Report
	}{
		"of its own report":                          {[]edit{head}, whole},
		"not where reports have no number":           {nil, named},
		"not that of a search that began since":      {[]edit{head, func(rt *v1alpha1.RestoreTest) { rt.Status.Run.ID = "search" }}, named},
		"not that of another report that came since": {[]edit{head, func(rt *v1alpha1.RestoreTest) { rt.Status.LastReportRef = "shop-2" }}, named},
	} {
		t.Run(name, func(t *testing.T) {
			facts := factsOf(ended(v1alpha1.ResultFail, v1alpha1.ResultPass))
			got := about{}.message(ended(v1alpha1.ResultFail, v1alpha1.ResultPass, c.edits...), &v1alpha1.NotificationDelivery{Facts: &facts}).Report
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

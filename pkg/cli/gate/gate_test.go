package gate

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
)

func TestAGateOpensOnlyForWhatIsProven(t *testing.T) {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	for sentence, c := range map[string]struct {
		result   v1alpha1.Result
		score    int32
		verified time.Duration // ago; 0 for never
		policy   Policy
		want     exit.Code
	}{
		"it passed":                                  {v1alpha1.ResultPass, 98, time.Hour, Policy{}, exit.Verified},
		"it passed a moment ago":                     {v1alpha1.ResultPass, 98, time.Hour, Policy{MaxAge: 2 * time.Hour}, exit.Verified},
		"it passed too long ago":                     {v1alpha1.ResultPass, 98, 3 * time.Hour, Policy{MaxAge: 2 * time.Hour}, exit.Doubtful},
		"its score is too low":                       {v1alpha1.ResultPass, 91, time.Hour, Policy{MinScore: 95}, exit.Doubtful},
		"it was never tested":                        {"", 0, 0, Policy{}, exit.Doubtful},
		"it failed":                                  {v1alpha1.ResultFail, 61, 0, Policy{}, exit.Bad},
		"it failed, and an older one passed":         {v1alpha1.ResultFail, 61, time.Hour, Policy{MaxAge: 2 * time.Hour}, exit.Bad},
		"it is partial":                              {v1alpha1.ResultPartial, 80, time.Hour, Policy{}, exit.Doubtful},
		"it showed nothing":                          {v1alpha1.ResultInconclusive, 0, 0, Policy{}, exit.Unknown},
		"it showed nothing, and passed before":       {v1alpha1.ResultInconclusive, 0, time.Hour, Policy{}, exit.Unknown},
		"it showed nothing, and passed a moment ago": {v1alpha1.ResultInconclusive, 0, time.Hour, Policy{MaxAge: 2 * time.Hour}, exit.Verified},
		"it showed nothing, and passed too long ago": {v1alpha1.ResultInconclusive, 0, 3 * time.Hour, Policy{MaxAge: 2 * time.Hour}, exit.Doubtful},
		"it passed, and no backup is known that did": {v1alpha1.ResultPass, 98, 0, Policy{}, exit.Unknown},
		"it has a result that nobody knows":          {"later", 0, time.Hour, Policy{}, exit.Doubtful},
	} {
		rt := &v1alpha1.RestoreTest{}
		rt.Status.LastResult, rt.Status.LastScore = c.result, &c.score
		if c.verified > 0 {
			rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: "b", Time: metav1.NewTime(now.Add(-c.verified))}
		}
		if got := Judge(rt, c.policy, now); got.Code != c.want || got.Text == "" {
			t.Errorf("%s: %d %q, want %d", sentence, got.Code, got.Text, c.want)
		}
	}
}

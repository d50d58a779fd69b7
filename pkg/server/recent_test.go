package server

import (
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestRecentRunsOfEachTest(t *testing.T) {
	const hour = time.Hour
	objects := []object{
		newReport("n", "shop-3", "shop", v1alpha1.ResultFail, 40, hour), newReport("n", "shop-2", "shop", v1alpha1.ResultPass, 98, 25*hour),
		newReport("n", "shop-1", "shop", v1alpha1.ResultPartial, 80, 49*hour),
		newReport("n", "new-1", "new", v1alpha1.ResultPass, 97, 2*hour),
		// The same name elsewhere is another test.
		newReport("m", "shop-9", "shop", v1alpha1.ResultInconclusive, 0, 3*hour),
	}
	for i := range recentRuns + 3 {
		objects = append(objects, newReport("n", "old-"+string(rune('a'+i)), "old", v1alpha1.ResultPass, 95, time.Duration(100+i)*hour))
	}
	bubble(t, objects, func(t *testing.T, s *scene) {
		all := read[[]recentItem](t, s, ofAuditor, "/api/v1/recent")
		if len(all) != 4 {
			t.Fatalf("%d tests: %+v", len(all), all)
		}
		must(t, "the oldest first, and what counted a day ago", all[0], recentItem{"n", "shop", []v1alpha1.Result{"partial", "pass", "fail"}, "pass", "shop-3"})
		must(t, "nothing a day ago", all[1], recentItem{"n", "new", []v1alpha1.Result{"pass"}, "", "new-1"})
		must(t, "another namespace", all[2], recentItem{"m", "shop", []v1alpha1.Result{"inconclusive"}, "", "shop-9"})
		must(t, "no more than so many", len(all[3].Results), recentRuns)
	})
}

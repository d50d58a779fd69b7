package archive

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

func (s *scene) wants(want metrics.ArchiveStatus) {
	s.t.Helper()
	got := s.Status()
	if got.Oldest.IsZero() != (want.Pending == 0) {
		s.t.Errorf("the oldest of %d pending reports is of %s", got.Pending, got.Oldest)
	}
	if got.Oldest = want.Oldest; got != want {
		s.t.Errorf("the archive says %+v, want %+v", got, want)
	}
}

func TestAReportIsArchivedOnceAsItIsStored(t *testing.T) {
	s := newScene(t)
	key := s.put(1)
	for range 3 {
		if again := s.look(key); again != 0 {
			t.Errorf("asks for another look in %s", again)
		}
	}
	objects := slices.Collect(maps.Keys(s.sink.objects))
	if len(objects) != 1 || !strings.HasPrefix(objects[0], "cluster/reports/prod/shop/000001-shop-001-") || s.sink.asked["put"] != 1 || s.reads != 1 {
		t.Fatalf("got %v after %v and %d reads", objects, s.sink.asked, s.reads)
	}
	body := s.sink.objects[objects[0]]
	if !strings.Contains(body, `"later":"shop-001"`) || strings.Contains(body, "managedFields") || strings.Contains(body, "anybody") {
		t.Errorf("archived: %s", body)
	}
	s.wants(metrics.ArchiveStatus{})
}

func TestAProcessThatIsRestartedReadsAndWritesNothingOfWhatIsThere(t *testing.T) {
	s := newScene(t)
	for n := range int64(3) {
		s.look(s.put(n + 7))
	}
	s.reads, s.sink.asked = 0, map[string]int{}
	s.restart(s.raw)
	for _, r := range s.reports {
		s.look(s.put(r.Status.Evidence.Sequence))
	}
	if s.reads != 0 || s.sink.asked["put"]+s.sink.asked["get"] != 0 || s.sink.asked["list"] != 2 { // one for what is before #7
		t.Errorf("it read %d reports, and asked the sink for %v", s.reads, s.sink.asked)
	}
	s.wants(metrics.ArchiveStatus{})
}

func TestAReportWaitsForWhatCleanupWritesIntoIt(t *testing.T) {
	s := newScene(t)
	dirty := func(r *v1alpha1.RestoreReport) { r.Hygiene = nil }
	key := s.put(1, dirty)
	if again := s.look(key); again <= 0 || again > cleanupWithin || len(s.sink.objects) > 0 {
		t.Errorf("it asks for another look in %s, and has archived %v", again, s.sink.objects)
	}
	s.wants(metrics.ArchiveStatus{Pending: 1})
	s.look(s.put(1))
	if len(s.sink.objects) != 1 {
		t.Errorf("archived: %v", s.sink.objects)
	}
	old := s.put(2, dirty, func(r *v1alpha1.RestoreReport) { r.Status.CompletedAt.Time = time.Now().Add(-cleanupWithin) })
	s.look(old)
	if len(s.sink.objects) != 2 {
		t.Errorf("archived: %v", s.sink.objects)
	}
	s.wants(metrics.ArchiveStatus{})
}

func TestWhatIsNoReportOfAChainIsNotArchived(t *testing.T) {
	s := newScene(t)
	for n, edit := range []func(*v1alpha1.RestoreReport){
		func(r *v1alpha1.RestoreReport) { r.Status = nil },
		func(r *v1alpha1.RestoreReport) { r.Status.Evidence = nil },
		func(r *v1alpha1.RestoreReport) { r.ManagedFields[0].Manager = "somebody" },
	} {
		s.look(s.put(int64(n+1), edit))
	}
	if len(s.sink.objects) > 0 {
		t.Errorf("archived: %v", s.sink.objects)
	}
	s.wants(metrics.ArchiveStatus{})
}

func TestAReportThatIsChangedLaterIsToldAndNotWrittenAgain(t *testing.T) {
	s := newScene(t)
	s.look(s.put(1))
	before := maps.Clone(s.sink.objects)
	changed := func(r *v1alpha1.RestoreReport) { r.ResourceVersion, r.Status.Score = "2", 100 }
	for range 2 {
		s.look(s.put(1, changed))
	}
	if !maps.Equal(before, s.sink.objects) || s.reads != 2 {
		t.Errorf("archived: %v, after %d reads", s.sink.objects, s.reads)
	}
	s.wants(metrics.ArchiveStatus{Differ: 1})
	labelled := func(r *v1alpha1.RestoreReport) { r.ResourceVersion, r.Labels = "3", nil }
	s.look(s.put(1, labelled))
	s.wants(metrics.ArchiveStatus{})
}

func TestAnObjectThatIsThereAlreadyIsComparedAndNeverOverwritten(t *testing.T) {
	for name, foreign := range map[string]bool{"the same": false, "another": true} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			key := s.put(1)
			s.sink.deaf = true // it was written, and nobody heard
			if again := s.look(key); again <= 0 {
				t.Fatal("it is not tried again")
			}
			s.wants(metrics.ArchiveStatus{Pending: 1})
			s.sink.deaf = false
			for object := range s.sink.objects {
				if foreign {
					s.sink.objects[object] = "something else"
				}
			}
			s.tries = tries{}
			s.look(key)
			want := metrics.ArchiveStatus{}
			if foreign {
				want.Differ = 1
			}
			if len(s.sink.objects) != 1 || s.sink.asked["put"] != 2 || s.sink.asked["get"] != 1 {
				t.Errorf("archived: %v after %v", s.sink.objects, s.sink.asked)
			}
			s.wants(want)
		})
	}
}

func TestASinkThatIsAwayIsTriedLessAndLess(t *testing.T) {
	s := newScene(t)
	s.sink.fails = errors.New("away")
	one, two := s.put(1), s.put(2)
	first := s.look(one)
	if s.look(two) <= 0 || s.sink.asked["prepare"] != 1 || first < firstPause/2 {
		t.Errorf("asked %v, again in %s", s.sink.asked, first)
	}
	if got := s.Status(); got.Oldest.IsZero() {
		t.Error("the archive does not say that it is behind")
	}
	s.sink.fails, s.tries = nil, tries{}
	s.look(one)
	s.look(two)
	if len(s.sink.objects) != 2 {
		t.Errorf("archived: %v", s.sink.objects)
	}
	s.wants(metrics.ArchiveStatus{})
}

func TestAReportThatWentBeforeItWasArchivedIsTold(t *testing.T) {
	s := newScene(t)
	for n := range int64(2) {
		s.look(s.put(n + 1))
	}
	s.sink.fails = errors.New("away")
	key := s.put(3)
	s.look(key)
	s.wants(metrics.ArchiveStatus{Pending: 1})
	s.prune(key)
	s.look(key)
	s.wants(metrics.ArchiveStatus{Lost: 1})
	// The next process sees a gap: #3 and #4 were pruned while it was not there. #1 and #2 are archived, so they are none.
	s.prune(s.put(1))
	s.prune(s.put(2))
	s.restart(s.raw)
	s.sink.fails = nil
	s.look(s.put(5))
	s.wants(metrics.ArchiveStatus{Lost: 2})
}

func TestAnArchiveThatIsNewLacksNothingThatWasPrunedBefore(t *testing.T) {
	s := newScene(t)
	s.look(s.put(183))
	s.wants(metrics.ArchiveStatus{})
}

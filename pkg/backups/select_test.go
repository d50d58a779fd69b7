package backups

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/velero"
)

func of(schedule string) edit {
	return func(b *velerov1.Backup) { b.Labels = map[string]string{velerov1.ScheduleNameLabel: schedule} }
}

func source(change func(*v1alpha1.BackupSource)) func(*Wanted) {
	return func(w *Wanted) { change(&w.Source) }
}

func TestOnlyBackupsOfTheScheduleAndLocationAreTaken(t *testing.T) {
	long := strings.Repeat("nightly-of-the-shop-", 4)
	all := func() []*velerov1.Backup {
		return []*velerov1.Backup{
			backup("by-hand", completed, time.Minute), backup("hourly-1", completed, time.Hour, of("hourly"), at("hub")),
			backup("nightly-2", completed, 2*time.Hour, of("nightly"), at("hub")), backup("nightly-1", completed, 3*time.Hour, of("nightly"), at("default")),
		}
	}
	fields := func(schedule, location, name string) func(*Wanted) {
		return source(func(s *v1alpha1.BackupSource) {
			s.ScheduleName, s.StorageLocation, s.BackupName = schedule, location, name
		})
	}
	for name, r := range map[string]row{
		"the newest of the schedule": {backups: all(), want: fields("nightly", "", ""), chosen: "nightly-2"},
		"the newest of the location": {backups: all(), want: fields("", "default", "latest"), chosen: "nightly-1"},
		"the newest of both":         {backups: all(), want: fields("nightly", "default", ""), chosen: "nightly-1"},
		"one of a schedule whose name no label can hold": {
			backups: []*velerov1.Backup{backup("x", completed, 0), backup("a", completed, time.Hour, of(velero.LabelValue(long)))}, want: fields(long, "", ""), chosen: "a",
		},
		"newer ones of another schedule are not missed": {
			backups: []*velerov1.Backup{backup("other", failed, time.Hour, of("hourly")), backup("mine", completed, 2*time.Hour, of("nightly"))},
			want:    fields("nightly", "", ""), chosen: "mine",
		},
		"none of the schedule, and what there is": {backups: all(), want: fields("weekly", "", ""), err: []string{
			"spec.backupSource.scheduleName: no Backup in namespace velero is of Schedule weekly", "what there is, is of Schedule hourly; of Schedule nightly; of no Schedule",
		}},
		"none of the location, and what there is": {backups: all(), want: fields("hourly", "default", ""), err: []string{
			"spec.backupSource.storageLocation: no Backup in namespace velero is of Schedule hourly and is in BackupStorageLocation default", "what there is, is in BackupStorageLocation hub: name",
		}},
		"the named one, if it is as wanted": {backups: all(), want: fields("nightly", "hub", "nightly-2"), chosen: "nightly-2"},
		"the named one is of another schedule": {backups: all(), want: fields("nightly", "", "hourly-1"), err: []string{
			"spec.backupSource.scheduleName: backup hourly-1 (spec.backupSource.backupName) is of Schedule hourly, not nightly; correct one of the two",
		}},
		"the named one is of nothing": {backups: all(), want: fields("nightly", "hub", "by-hand"), err: []string{
			"scheduleName: backup by-hand (spec.backupSource.backupName) is of no Schedule", "storageLocation: backup by-hand (spec.backupSource.backupName) is in no BackupStorageLocation, not hub",
		}},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}

func TestTheOldestThatWasNeverVerifiedIsTaken(t *testing.T) {
	days := func(n int) time.Duration { return time.Duration(n) * day }
	four := func() []*velerov1.Backup {
		return []*velerov1.Backup{backup("b1", completed, days(1)), backup("b2", completed, days(2)), backup("b3", completed, days(3)), backup("b4", completed, days(4))}
	}
	// passed says that the backup that began age ago did so, since ago.
	type passed struct {
		name       string
		age, since time.Duration
	}
	known := func(all ...passed) Known {
		k := Known{Verified: map[ID]time.Time{}}
		for _, p := range all {
			k.Verified[ID{p.name, now.Add(-p.age).Unix()}] = now.Add(-p.since)
		}
		return k
	}
	within := func(limit v1alpha1.Duration) func(*Wanted) {
		return source(func(s *v1alpha1.BackupSource) { s.Selection, s.MaxAge = v1alpha1.SelectOldestUnverified, limit })
	}
	for name, r := range map[string]row{
		"the oldest, where none was":                    {backups: four(), want: within(""), chosen: "b4"},
		"the next, where that was":                      {backups: four(), want: within(""), known: known(passed{"b4", days(4), 1}), chosen: "b3"},
		"none that is too old":                          {backups: four(), want: within("60h"), chosen: "b2"},
		"the one verified longest ago, where all were":  {backups: four(), want: within("84h"), known: known(passed{"b1", days(1), 5}, passed{"b2", days(2), 9}, passed{"b3", days(3), 1}), chosen: "b2"},
		"a new one of a name that was verified":         {backups: four(), want: within(""), known: known(passed{"b4", days(9), 1}), chosen: "b4"},
		"none that holds less than others":              {backups: append(four(), backup("half", completed, days(5), noKinds("secrets"))), want: within(""), chosen: "b4"},
		"none that is partial":                          {backups: append(four(), backup("half", partial, days(5))), want: within(""), chosen: "b4"},
		"what holds less, where nothing younger is all": {backups: []*velerov1.Backup{backup("old", completed, days(5)), backup("half", completed, days(1), noKinds("secrets"))}, want: within("48h"), chosen: "half", leavesOut: []string{"secrets"}},
		"none within the age, and how old the newest is": {backups: four(), want: within("12h"), err: []string{
			"spec.backupSource.maxAge: all backups that can be restored are older than 12h0m0s; the newest, b1, began 2026-03-09T12:00:00Z",
		}},
	} {
		t.Run(name, func(t *testing.T) { r.check(t) })
	}
}

func TestARandomChoiceIsOfTheRun(t *testing.T) {
	var all []*velerov1.Backup
	for n := range 10 {
		all = append(all, backup(fmt.Sprintf("b%d", n), completed, time.Duration(n)*day))
	}
	choose := func(backups []*velerov1.Backup, seed string, limit v1alpha1.Duration) Choice {
		want := wanted(t)
		want.Source.Selection, want.Source.MaxAge, want.Seed = v1alpha1.SelectRandom, limit, seed
		c, err := Choose(backups, want, Known{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	taken := map[string]int{}
	for n := range 1000 {
		seed := fmt.Sprintf("run-%d", n)
		chosen := choose(all, seed, "").Backup.Name
		taken[chosen]++
		slices.Reverse(all)
		if again := choose(all, seed, "").Backup.Name; again != chosen {
			t.Fatalf("%s chooses %s, and after a restart %s", seed, chosen, again)
		}
		less := slices.DeleteFunc(slices.Clone(all), func(b *velerov1.Backup) bool { return b.Name == "b0" })
		if without := choose(less, seed, "").Backup.Name; chosen != "b0" && without != chosen {
			t.Fatalf("%s chooses %s, and when b0 is gone %s", seed, chosen, without)
		}
		if young := choose(all, seed, "60h"); young.Candidates != 3 || young.Backup.Name > "b2" {
			t.Fatalf("%s of %d, want one of three", young.Backup.Name, young.Candidates)
		}
	}
	for _, b := range all {
		if n := taken[b.Name]; n < 60 || n > 140 {
			t.Errorf("%s was chosen %d times of 1000", b.Name, n)
		}
	}
}

func TestASearchGoesBackOneByOne(t *testing.T) {
	all := []*velerov1.Backup{
		backup("b4", completed, time.Hour), backup("b3", completed, day), backup("b3-too", completed, day), backup("half", completed, 30*time.Hour, noKinds("secrets")),
		backup("broken", failed, 40*time.Hour), backup("b2", completed, 2*day, at("away")), backup("b1", completed, 3*day),
	}
	id := func(name string) ID {
		i := slices.IndexFunc(all, func(b *velerov1.Backup) bool { return b.Name == name })
		return IDOf(name, all[i].Status.StartTimestamp)
	}
	here := Known{Locations: map[string]string{"away": "is Unavailable"}}
	for name, c := range map[string]struct {
		tried  []string
		known  Known
		chosen string
		older  int
		gone   string // a backup that is not there any more
	}{
		"the newest, before any search":             {chosen: "b4", older: 4},
		"then the next":                             {tried: []string{"b4"}, chosen: "b3-too", older: 3},
		"then one that began in the same second":    {tried: []string{"b4", "b3-too"}, chosen: "b3", older: 2},
		"past what holds less, and what failed":     {tried: []string{"b4", "b3-too", "b3"}, chosen: "b2", older: 1},
		"past what is out of reach":                 {tried: []string{"b4", "b3-too", "b3"}, known: here, chosen: "b1"},
		"never to one that came since":              {tried: []string{"b3-too", "b3"}, chosen: "b2", older: 1},
		"also where the last one tried has expired": {tried: []string{"b4", "b3-too", "b3", "b2"}, gone: "b2", chosen: "b1"},
		"to the end": {tried: []string{"b4", "b3-too", "b3", "b2", "b1"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := wanted(t)
			for _, tried := range c.tried {
				want.Tried = append(want.Tried, id(tried))
			}
			got, err := Choose(slices.DeleteFunc(slices.Clone(all), func(b *velerov1.Backup) bool { return b.Name == c.gone }), want, c.known)
			switch {
			case c.chosen == "" && !errors.As(err, new(ExhaustedError)):
				t.Errorf("%+v, %v, want an ExhaustedError", got.Backup, err)
			case c.chosen != "" && (err != nil || got.Backup.Name != c.chosen || got.Older != c.older || got.Newer.Total > 0 && len(c.tried) > 0):
				t.Errorf("%+v, %v, want %s with %d older ones", got, err, c.chosen, c.older)
			}
		})
	}
	want := wanted(t)
	want.Tried = []ID{id("b4")}
	if _, err := Choose(nil, want, Known{}); !errors.As(err, new(ExhaustedError)) {
		t.Errorf("where all backups are gone: %v", err)
	}
	if _, err := Choose(all[5:6], want, here); !errors.As(err, new(LocationError)) {
		t.Errorf("where what is left is out of reach: %v", err)
	}
}

package dashboard

import (
	"fmt"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// application is what a company has a test of, and how that went.
type application struct {
	namespace, name string
	sources         []string
	// odd are the results of some nights, counted back from the last, which is 0. All others passed.
	odd map[int]ending
	// nights that have a report.
	nights int
	target time.Duration
	// takes is its usual recovery time.
	takes   time.Duration
	change  func(*v1alpha1.RestoreTest)
	volumes int
	// told is what people were told of it.
	told func(*v1alpha1.RestoreTest)
	// pruned is how many reports were there before those that are kept; older counts nights, the first, of a version that had no chain.
	pruned int64
	older  int
	// signed tells whether its reports are.
	signed bool
	// controls are those that its reports are evidence for.
	controls []string
}

// ending is how a run ended that did not pass.
type ending struct {
	result          v1alpha1.Result
	score           int32
	reason, message string
	change          func(*v1alpha1.RestoreReportStatus)
}

var (
	rowsMissing = ending{v1alpha1.ResultFail, 61, v1alpha1.ReasonCheckFailed,
		"check newest-invoice: the output is 812, ge 1000 was expected. The backup does not restore into a working application, or the check expects something else.",
		func(s *v1alpha1.RestoreReportStatus) {
			s.Checks[0] = v1alpha1.CheckStatus{Name: "newest-invoice", Status: v1alpha1.CheckFail, Duration: "412ms", Message: "the output is 812, ge 1000 was expected"}
			s.ValidationLevels.InternalHealth = v1alpha1.LevelResult{Status: v1alpha1.LevelFail, Points: 5, Max: 20, Detail: "2 of 3 checks passed", Tested: []string{"invoices-api: passed", "pods: passed", "newest-invoice: failed"}}
			s.RTO.Measured, s.RTO.WithinSLA = "0s", false
			s.ValidationLevels.RTOCompliance = v1alpha1.LevelResult{Status: v1alpha1.LevelFail, Max: 5, Detail: "the application did not recover"}
		}}
	podsDown = ending{v1alpha1.ResultFail, 48, v1alpha1.ReasonPodsNotReady,
		"1 of 3 pods are ready: library-db-0 waits for Secret library-tls, which did not come back. Look at the pods' images, secrets and volumes.",
		func(s *v1alpha1.RestoreReportStatus) {
			s.Completeness.Secrets, s.Completeness.Missing = "5/6", []string{"media: Secret/library-tls"}
			s.ValidationLevels.PodStartup = v1alpha1.LevelResult{Status: v1alpha1.LevelFail, Points: 6, Max: 20, Detail: "1 of 3 pods are ready"}
			s.ValidationLevels.Completeness = v1alpha1.LevelResult{Status: v1alpha1.LevelPartial, Points: 17, Max: 20, Detail: "40 of 41 objects came back"}
			s.RTO.Measured, s.RTO.WithinSLA, s.RTO.Parts.Checks = "0s", false, ""
			for i := range s.Checks {
				s.Checks[i].Status, s.Checks[i].Message = v1alpha1.CheckSkip, "no pod was ready"
			}
		}}
	emptyVolume = ending{v1alpha1.ResultPartial, 84, v1alpha1.ReasonVolumeUnproven,
		"volume search/index-es-0 came back empty: no data of it is in the backup. Include the volume in the backup, or leave its claim out of the test.",
		func(s *v1alpha1.RestoreReportStatus) {
			s.Caps = []string{"VolumeUnproven: search/index-es-0 is not in the backup"}
			s.Volumes = append(s.Volumes, v1alpha1.VolumeReport{Namespace: "search", Claim: "index-es-0", Method: v1alpha1.VolumeNotInBackup, MountedBy: "Pod/es-0", Message: "The pod is not annotated for file-system backup, and the storage class takes no snapshots."})
		}}
	noPolicy = ending{v1alpha1.ResultPartial, 80, v1alpha1.ReasonNotChecked,
		"no checks are named, so nobody knows whether the application works. Name a HealthCheckPolicy in spec.healthChecks.policyRef.",
		func(s *v1alpha1.RestoreReportStatus) {
			s.Checks = nil
			s.ValidationLevels.InternalHealth = v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Max: 20, Detail: "no policy is named"}
		}}
	notStarted = ending{v1alpha1.ResultInconclusive, 0, v1alpha1.ReasonNotStarted,
		"the deadline passed while the run waited for Velero, which restored something else. Raise spec.timeout and sandbox.ttl, or have fewer tests due at the same time.", ended}
	unproven = ending{v1alpha1.ResultInconclusive, 0, v1alpha1.ReasonIsolationUnproven,
		"canaries on node worker-7 are not ready, so nothing was restored. Look at the pods in namespaces kymaros-canary and kymaros-canary-targets.", ended}
	slow = ending{v1alpha1.ResultPartial, 93, v1alpha1.ReasonRTOExceeded,
		"the application recovered in 34m10s, and the target is 30m. See where the time goes in the parts of the recovery time.",
		func(s *v1alpha1.RestoreReportStatus) {
			s.RTO = v1alpha1.RTO{Measured: "34m10s", Target: "30m", Parts: &v1alpha1.RTOParts{Queue: "12s", Restore: "29m40s", VolumeData: "28m5s", Pods: "3m55s", Checks: "35s"}}
			s.ValidationLevels.RTOCompliance = v1alpha1.LevelResult{Status: v1alpha1.LevelFail, Max: 5, Detail: "34m10s, and the target is 30m"}
		}}
)

// ended is a report of a run that showed nothing.
func ended(s *v1alpha1.RestoreReportStatus) {
	nothing := v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested, Detail: "the run did not get so far"}
	s.ValidationLevels = v1alpha1.ValidationLevels{RestoreIntegrity: nothing, Completeness: nothing, PodStartup: nothing, InternalHealth: nothing, CrossNamespaceDeps: nothing, RTOCompliance: nothing}
	s.Checks, s.Volumes, s.Restore, s.SideEffects, s.Completeness = nil, nil, nil, nil, v1alpha1.Completeness{}
	s.RTO = v1alpha1.RTO{Measured: "0s", Target: s.RTO.Target}
	s.Backup = v1alpha1.Backup{Age: "0s"}
}

func nights(e ending, of ...int) map[int]ending {
	all := map[int]ending{}
	for _, n := range of {
		all[n] = e
	}
	return all
}

// company are its applications.
func company() []application {
	apps := []application{
		{namespace: "team-web", name: "shop", sources: []string{"shop", "shop-db"}, nights: 30, target: 15 * time.Minute, takes: 6 * time.Minute, volumes: 3, odd: nights(rowsMissing, 9), told: delivered, pruned: 182, signed: true, controls: []string{"dora-12-2", "iso27001-a-8-13"}},
		{namespace: "team-web", name: "storefront", nights: 30, target: 10 * time.Minute, takes: 3 * time.Minute},
		{namespace: "team-web", name: "search", nights: 24, target: 30 * time.Minute, takes: 11 * time.Minute, volumes: 2, odd: nights(emptyVolume, 0, 1, 2, 3, 4)},
		{namespace: "team-web", name: "media", sources: []string{"media"}, nights: 12, target: 30 * time.Minute, takes: 14 * time.Minute, volumes: 1, odd: nights(podsDown, 0), change: searched, told: unreadable},
		{namespace: "team-pay", name: "billing", nights: 30, target: 15 * time.Minute, takes: 8 * time.Minute, volumes: 2, odd: nights(rowsMissing, 0, 1), told: givenUp, pruned: 61},
		{namespace: "team-pay", name: "ledger", nights: 30, target: 30 * time.Minute, takes: 26 * time.Minute, volumes: 2, odd: nights(slow, 0, 6), told: silenced, signed: true},
		{namespace: "team-pay", name: "invoices", nights: 18, target: 15 * time.Minute, takes: 5 * time.Minute, volumes: 1, change: running},
		{namespace: "team-pay", name: "fraud", nights: 20, takes: 4 * time.Minute},
		{namespace: "team-crm", name: "crm", nights: 16, target: 20 * time.Minute, takes: 9 * time.Minute, volumes: 1, odd: nights(notStarted, 0)},
		{namespace: "team-crm", name: "mailing", nights: 0},
		{namespace: "team-crm", name: "tickets", nights: 22, target: 15 * time.Minute, takes: 7 * time.Minute, odd: nights(unproven, 3), change: func(rt *v1alpha1.RestoreTest) { rt.Spec.Suspend = true }},
		{namespace: "team-data", name: "warehouse", nights: 14, target: 2 * time.Hour, takes: 71 * time.Minute, volumes: 4, change: queued},
		{namespace: "team-data", name: "registry", nights: 9, target: 30 * time.Minute, takes: 6 * time.Minute, volumes: 1, odd: nights(noPolicy, 0, 1, 2, 3, 4, 5, 6, 7, 8)},
		{namespace: "team-data", name: "notebooks", nights: 6, takes: 5 * time.Minute, volumes: 1, change: queued},
	}
	for i, name := range []string{"grafana", "vault", "keycloak", "gitea", "wiki", "chat", "matomo", "sentry", "harbor", "minio"} {
		apps = append(apps, application{namespace: "team-ops", name: name, nights: 30 - i, target: 15 * time.Minute, takes: time.Duration(2+i) * time.Minute, volumes: i % 3, odd: nights(rowsMissing, 5+i), older: 2 * i})
	}
	for i := range apps {
		if apps[i].sources == nil {
			apps[i].sources = []string{apps[i].name}
		}
	}
	return apps
}

// test is the RestoreTest of an application as it is now.
func (a *application) test(now time.Time) *v1alpha1.RestoreTest {
	rt := &v1alpha1.RestoreTest{
		ObjectMeta: metav1.ObjectMeta{Namespace: a.namespace, Name: a.name, Labels: map[string]string{"team": a.namespace}},
		Spec: v1alpha1.RestoreTestSpec{
			BackupSource: v1alpha1.BackupSource{Provider: "velero", BackupName: "latest"},
			Schedule:     v1alpha1.Schedule{Cron: "0 3 * * *", Timezone: "Europe/Brussels", Jitter: "20m"},
			Sandbox:      v1alpha1.SandboxSpec{TTL: "2h", NetworkIsolation: v1alpha1.IsolationStrict},
			HealthChecks: v1alpha1.HealthChecks{PolicyRef: a.name},
			HistoryLimit: new(int32(30)),
		},
	}
	for _, ns := range a.sources {
		rt.Spec.BackupSource.Namespaces = append(rt.Spec.BackupSource.Namespaces, v1alpha1.SourceNamespace{Name: ns})
	}
	if len(a.sources) > 1 {
		rt.Spec.Sandbox.NetworkIsolation = v1alpha1.IsolationGroup
	}
	rt.Spec.BackupSource.AllowOlderThanNamespace = a.name != proven // all namespaces are new here
	if a.odd[0].reason == v1alpha1.ReasonNotChecked {
		rt.Spec.HealthChecks.PolicyRef = ""
	}
	if a.target > 0 {
		rt.Spec.SLA = &v1alpha1.SLA{MaxRTO: v1alpha1.Of(a.target)}
	}
	rt.Status.Phase, rt.Status.NextRunAt = v1alpha1.PhaseIdle, new(metav1.NewTime(night(now, -1)))
	for n := range a.nights {
		report := a.report(now, n)
		s := report.Status
		if n == 0 {
			rt.Status.Phase, rt.Status.LastRunAt, rt.Status.LastResult, rt.Status.LastReportRef = v1alpha1.PhaseCompleted, &s.CompletedAt, s.Result, report.Name
			if s.Result != v1alpha1.ResultInconclusive {
				rt.Status.LastScore = &s.Score
			}
			if s.Result == v1alpha1.ResultFail {
				rt.Status.Phase = v1alpha1.PhaseFailed
			}
		}
		if s.Result == v1alpha1.ResultPass {
			rt.Status.LastVerified = &v1alpha1.VerifiedBackup{BackupName: s.Backup.Name, BackupTime: s.Backup.StartedAt, Time: s.StartedAt, Report: report.Name}
			break
		}
	}
	if a.change != nil {
		a.change(rt)
	}
	if a.told != nil {
		a.told(rt)
	}
	return rt
}

// night is when the runs of a night begin: of 0 the last, of -1 the next.
func night(now time.Time, back int) time.Time {
	at := now.UTC().Truncate(24 * time.Hour).Add(2 * time.Hour)
	if at.After(now.Add(-2 * time.Hour)) {
		at = at.Add(-24 * time.Hour)
	}
	return at.Add(-time.Duration(back) * 24 * time.Hour)
}

// chance is the same in each run of the program.
func (a *application) chance(n int) *rand.Rand {
	seed := uint64(n)
	for _, c := range a.namespace + a.name {
		seed = seed*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(seed, 7))
}

func (a *application) backup(n int) string { return fmt.Sprintf("%s-nightly-%02d", a.sources[0], 40-n) }

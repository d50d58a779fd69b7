package compare

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// report returns one of a test that passed, changed by each of with.
func report(with ...func(*v1alpha1.RestoreReport)) *v1alpha1.RestoreReport {
	r := &v1alpha1.RestoreReport{
		Spec: v1alpha1.RestoreReportSpec{TestRef: "shop"},
		Status: &v1alpha1.RestoreReportStatus{
			Score: 98, Result: v1alpha1.ResultPass, Reason: v1alpha1.ReasonPassed,
			Sandboxes:        []v1alpha1.ReportSandbox{{Source: "shop", Name: "rp-1"}},
			NetworkIsolation: v1alpha1.IsolationStrict, IsolationProof: v1alpha1.IsolationProven, Fence: v1alpha1.FenceIntact,
			Checks:           []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckPass}},
			RTO:              v1alpha1.RTO{Measured: "6m0s", WithinSLA: true, Parts: &v1alpha1.RTOParts{Restore: "4m0s", Pods: "1m30s", Checks: "30s"}},
			Volumes:          []v1alpha1.VolumeReport{{Namespace: "shop", Claim: "data", Method: v1alpha1.VolumeFileSystemBackup, Bytes: 1000}},
			ValidationLevels: v1alpha1.ValidationLevels{InternalHealth: v1alpha1.LevelResult{Status: v1alpha1.LevelPass, Points: 20, Max: 20}},
			SideEffects:      &v1alpha1.SideEffects{Withheld: []v1alpha1.SideEffect{{Kind: "Ingress.networking.k8s.io"}}},
		},
		Hygiene: &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean},
	}
	r.Namespace = "team"
	for _, change := range with {
		change(r)
	}
	return r
}

func status(change func(*v1alpha1.RestoreReportStatus)) func(*v1alpha1.RestoreReport) {
	return func(r *v1alpha1.RestoreReport) { change(r.Status) }
}

func TestEachChangeIsFoundAlone(t *testing.T) {
	for sentence, c := range map[string]struct {
		to   func(*v1alpha1.RestoreReport)
		want []Change
	}{
		"the same run again differs in nothing": {func(*v1alpha1.RestoreReport) {}, nil},
		"a result that is worse is told with its reason": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.Result, s.Reason = v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed
			}),
			[]Change{{AreaResult, "", Changed, "pass (Passed)", "fail (CheckFailed)", Worse}},
		},
		"a lower score is worse":   {status(func(s *v1alpha1.RestoreReportStatus) { s.Score = 90 }), []Change{{AreaScore, "", Changed, "98", "90", Worse}}},
		"a higher score is better": {status(func(s *v1alpha1.RestoreReportStatus) { s.Score = 99 }), []Change{{AreaScore, "", Changed, "98", "99", Better}}},
		"a level that lost points is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.ValidationLevels.InternalHealth.Points = 10 }),
			[]Change{{AreaLevel, "internalHealth", Changed, "20/20", "10/20", Worse}},
		},
		"a level that was not looked at is incomparable": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.ValidationLevels.InternalHealth = v1alpha1.LevelResult{Status: v1alpha1.LevelNotTested}
			}),
			[]Change{{AreaLevel, "internalHealth", Changed, "20/20", "0/0", Incomparable}},
		},
		"a check that failed is worse, and says why": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.Checks[0] = v1alpha1.CheckStatus{Name: "rows", Status: v1alpha1.CheckFail, Message: "812 is not ge 1000"}
			}),
			[]Change{{AreaCheck, "rows", Changed, "pass", "fail: 812 is not ge 1000", Worse}},
		},
		"a recovery that took longer by half is slower": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.RTO.Measured = "9m0s" }),
			[]Change{{AreaRTO, "measured", Slower, "6m0s", "9m0s", Worse}},
		},
		"a part of it that took less by half is faster": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.RTO.Parts.Restore = "2m0s" }),
			[]Change{{AreaRTO, "restore", Faster, "4m0s", "2m0s", Better}},
		},
		"a recovery that took some seconds more is no change": {status(func(s *v1alpha1.RestoreReportStatus) { s.RTO.Measured = "6m40s" }), nil},
		"a recovery that was not measured is neither slower nor faster": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.RTO.Measured = "0s" }), nil,
		},
		"a volume whose data did not come back is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.Volumes[0].Method, s.Volumes[0].Bytes = v1alpha1.VolumeNotInBackup, 0
			}),
			[]Change{{AreaVolume, "shop/data", Changed, "fileSystemBackup, 1000 bytes", "notInBackup", Worse}},
		},
		"another method that brings the data is neither": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.Volumes[0].Method = v1alpha1.VolumeDataMover }),
			[]Change{{AreaVolume, "shop/data", Changed, "fileSystemBackup, 1000 bytes", "dataMover, 1000 bytes", Neutral}},
		},
		"a volume with a third less in it is worse though both passed": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.Volumes[0].Bytes = 620 }),
			[]Change{{AreaVolume, "shop/data", Changed, "fileSystemBackup, 1000 bytes", "fileSystemBackup, 620 bytes", Worse}},
		},
		"a volume that is gone is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.Volumes = nil }),
			[]Change{{AreaVolume, "shop/data", Gone, "fileSystemBackup, 1000 bytes", "", Worse}},
		},
		"a new volume whose data came back is no fault": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.Volumes = append(s.Volumes, v1alpha1.VolumeReport{Namespace: "shop", Claim: "logs", Method: v1alpha1.VolumeCSISnapshot})
			}),
			[]Change{{AreaVolume, "shop/logs", New, "", "csiSnapshot", Neutral}},
		},
		"an object that is newly missing is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.Completeness.Missing = []string{"shop: Secret/db"} }),
			[]Change{{AreaMissing, "shop: Secret/db", New, "", "", Worse}},
		},
		"what the backup leaves out is told": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.Completeness.LeftOut = []string{"1 of 3 Secrets"} }),
			[]Change{{AreaLeftOut, "1 of 3 Secrets", New, "", "", Neutral}},
		},
		"a new cap is worse": {status(func(s *v1alpha1.RestoreReportStatus) { s.Caps = []string{"a check was skipped"} }), []Change{{AreaCap, "a check was skipped", New, "", "", Worse}}},
		"a kind that is withheld now is told": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.SideEffects.Withheld = append(s.SideEffects.Withheld, v1alpha1.SideEffect{Kind: "Job.batch"})
			}),
			[]Change{{AreaWithheld, "Job.batch", New, "", "", Neutral}},
		},
		"an object that could act beside production is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) {
				s.SideEffects.Violations = []string{"shop: Service/web: nodePort"}
			}),
			[]Change{{AreaViolation, "shop: Service/web: nodePort", New, "", "", Worse}},
		},
		"what is no longer tested is told": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.SideEffects.NotTested = []string{"Jobs"} }),
			[]Change{{AreaNotTested, "Jobs", New, "", "", Neutral}},
		},
		"isolation that is no longer proven is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.IsolationProof = v1alpha1.IsolationUnproven }),
			[]Change{{AreaGuard, "isolationProof", Changed, "proven", "unproven", Worse}},
		},
		"a fence that somebody changed is worse": {
			status(func(s *v1alpha1.RestoreReportStatus) { s.Fence = v1alpha1.FenceNotIntact }),
			[]Change{{AreaGuard, "fence", Changed, "intact", "notIntact", Worse}},
		},
		"what a run left behind is worse": {
			func(r *v1alpha1.RestoreReport) { r.Hygiene.Status = v1alpha1.HygieneLeaked },
			[]Change{{AreaHygiene, "", Changed, "clean", "leaked", Worse}},
		},
	} {
		got := Reports(report(), report(c.to))
		if diff := cmp.Diff(c.want, got.Changes); diff != "" || len(got.Incomparable) > 0 {
			t.Errorf("%s: %v\n%s", sentence, got.Incomparable, diff)
		}
		worse := false
		for _, change := range c.want {
			worse = worse || change.Effect == Worse
		}
		if got.Regressed() != worse {
			t.Errorf("%s: Regressed is %v", sentence, got.Regressed())
		}
	}
}

func TestAnotherScopeIsNoRegression(t *testing.T) {
	lower := status(func(s *v1alpha1.RestoreReportStatus) { s.Score, s.RTO.Measured = 71, "20m0s" })
	for sentence, c := range map[string]struct {
		to  func(*v1alpha1.RestoreReport)
		why string
	}{
		"another test": {func(r *v1alpha1.RestoreReport) { r.Spec.TestRef = "web" }, "test: team/shop, then team/web"},
		"more namespaces": {status(func(s *v1alpha1.RestoreReportStatus) {
			s.Sandboxes = append(s.Sandboxes, v1alpha1.ReportSandbox{Source: "db"})
		}), "namespaces: shop, then db, shop"},
		"another isolation": {status(func(s *v1alpha1.RestoreReportStatus) { s.NetworkIsolation = v1alpha1.IsolationGroup }), "networkIsolation: strict, then group"},
		"other kinds": {status(func(s *v1alpha1.RestoreReportStatus) {
			s.Scope = &v1alpha1.RestoreScope{ExcludedResources: []v1alpha1.ResourceName{"secrets"}}
		}), "restored kinds: none, then -secrets"},
		"another set of checks": {status(func(s *v1alpha1.RestoreReportStatus) {
			s.Checks = append(s.Checks, v1alpha1.CheckStatus{Name: "web", Status: v1alpha1.CheckFail})
		}), "checks: rows, then rows, web"},
	} {
		got := Reports(report(), report(lower, c.to))
		if diff := cmp.Diff([]string{c.why}, got.Incomparable); diff != "" {
			t.Errorf("%s:\n%s", sentence, diff)
		}
		if got.Regressed() || len(got.Changes) < 2 {
			t.Errorf("%s: %+v", sentence, got.Changes)
		}
	}
}

func TestARunThatShowsNothingIsComparedWithNothing(t *testing.T) {
	nothing := report(status(func(s *v1alpha1.RestoreReportStatus) {
		s.Result, s.Reason, s.Score = v1alpha1.ResultInconclusive, v1alpha1.ReasonLost, 0
		s.Volumes, s.Checks, s.Sandboxes = nil, nil, nil
		s.Completeness.Missing = []string{"shop: Secret/db"}
	}))
	for _, got := range []Result{Reports(report(), nothing), Reports(nothing, report())} {
		if len(got.Incomparable) != 1 || got.Regressed() {
			t.Errorf("%+v", got)
		}
		for _, c := range got.Changes {
			if c.Effect == Better || c.Area == AreaScore {
				t.Errorf("%+v", c)
			}
		}
	}
}

func TestACheckThatFailsIsARegressionAlsoWhereAnotherIsNew(t *testing.T) {
	got := Reports(report(), report(status(func(s *v1alpha1.RestoreReportStatus) {
		s.Checks = []v1alpha1.CheckStatus{{Name: "rows", Status: v1alpha1.CheckFail}, {Name: "web", Status: v1alpha1.CheckPass}}
	})))
	want := []Change{{AreaCheck, "rows", Changed, "pass", "fail", Worse}, {AreaCheck, "web", New, "", "pass", Incomparable}}
	if diff := cmp.Diff(want, got.Changes); diff != "" || !got.Regressed() {
		t.Error(diff)
	}
}

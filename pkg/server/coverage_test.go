package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/coverage"
)

// shop is a namespace that a test of a team restores, whose volume came back.
func shopOf(team string) []runtime.Object {
	began := metav1.NewTime(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-3 * time.Hour))
	report := newReport(team, "shop-9", "shop", v1alpha1.ResultPass, 97, time.Hour)
	report.Status.Backup = v1alpha1.Backup{Name: "nightly-1", StartedAt: &began}
	report.Status.Sandboxes = []v1alpha1.ReportSandbox{{Source: team + "-source", Name: "rp-1"}}
	report.Status.Volumes = []v1alpha1.VolumeReport{{Namespace: team + "-source", Claim: "data", Method: v1alpha1.VolumeFileSystemBackup, Bytes: 7}}
	return append(team0(team), report)
}

// team0 is the test of a team without its reports.
func team0(ns string) []runtime.Object { return []runtime.Object{newTest(ns, "shop", ns+"-source")} }

// cluster adds namespaces with a volume each, and a backup of all of them.
func (s *scene) cluster(t *testing.T, namespaces ...string) {
	t.Helper()
	old := metav1.NewTime(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))
	began := metav1.NewTime(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-3 * time.Hour))
	for _, name := range namespaces {
		meta := metav1.ObjectMeta{Name: name, CreationTimestamp: old}
		_, err := s.Kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{})
		if err == nil {
			claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "data", CreationTimestamp: old}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound}}
			_, err = s.Kube.CoreV1().PersistentVolumeClaims(name).Create(t.Context(), claim, metav1.CreateOptions{})
		}
		if err == nil {
			held := &velerov1.PodVolumeBackup{
				ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: name, Labels: map[string]string{velerov1.BackupNameLabel: "nightly-1"}, Annotations: map[string]string{"velero.io/pvc-name": "data"}},
				Spec:       velerov1.PodVolumeBackupSpec{Pod: corev1.ObjectReference{Namespace: name, Name: "db-0"}, Volume: "data"},
				Status:     velerov1.PodVolumeBackupStatus{Phase: velerov1.PodVolumeBackupPhaseCompleted, SnapshotID: "1"},
			}
			_, err = s.theirs.VeleroV1().PodVolumeBackups("velero").Create(t.Context(), held, metav1.CreateOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	backup := &velerov1.Backup{ObjectMeta: metav1.ObjectMeta{Namespace: "velero", Name: "nightly-1"}, Status: velerov1.BackupStatus{Phase: velerov1.BackupPhaseCompleted, StartTimestamp: &began}}
	if _, err := s.theirs.VeleroV1().Backups("velero").Create(t.Context(), backup, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// deny has the API server refuse callers a resource.
func (s *scene) deny(verb, resource string) {
	refuse := func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", nil)
	}
	s.Kube.PrependReactor(verb, resource, refuse)
	s.theirs.PrependReactor(verb, resource, refuse)
}

func states(p coveragePage) (all []string) {
	for _, n := range p.Items {
		all = append(all, n.Name+"="+string(n.State))
	}
	return all
}

func TestTheCoverageTellsOfEveryNamespaceAndVolume(t *testing.T) {
	bubble(t, shopOf("team-a"), func(t *testing.T, s *scene) {
		s.cluster(t, "team-a-source", "ledger", "kube-system")
		all := read[coveragePage](t, s, ofAdmin, "/api/v1/coverage")
		must(t, "states", states(all), []string{"ledger=Unproven", "team-a-source=Verified", "kube-system=Ignored"})
		must(t, "counts", all.Counts, coverageCounts{Unproven: 1, Verified: 1, Ignored: 1, VolumesTotal: 2, VolumesProven: 1})
		must(t, "unseen", all.Unseen, []unseen{})
		if v := all.Items[1].Volumes; len(v) != 1 || v[0].State != coverage.Proven || v[0].Proof.Report != "shop-9" || all.Items[1].Proof.Namespace != "team-a" {
			t.Errorf("%+v", all.Items[1])
		}
		for query, want := range map[string]string{
			"?state=Unproven":         "[ledger=Unproven]",
			"?namespace=ledger":       "[ledger=Unproven]",
			"?maxAge=30m&state=Stale": "[team-a-source=Stale]",
			"?limit=1":                "[ledger=Unproven]",
		} {
			must(t, query, fmt.Sprint(states(read[coveragePage](t, s, ofAdmin, "/api/v1/coverage"+query))), want)
		}
		first := s.get(ofAdmin, "/api/v1/coverage?limit=2")
		next, _, _ := strings.Cut(strings.TrimPrefix(first.Header().Get("Link"), "<"), ">")
		must(t, "the next page", states(read[coveragePage](t, s, ofAdmin, next)), []string{"kube-system=Ignored"})
		for query, want := range map[string]struct {
			code int
			says string
		}{
			"?state=Fine":     {400, "state: must be one of Failed, Unprotected"},
			"?maxAge=2d":      {400, "maxAge: must be a length of time such as 48h"},
			"?namespace=gone": {404, "there is no namespace gone"},
			"?volumes=true":   {400, "this address takes"},
		} {
			if w := s.get(ofAdmin, "/api/v1/coverage"+query); w.Code != want.code || !strings.Contains(w.Body.String(), want.says) {
				t.Errorf("%s: %d %s", query, w.Code, w.Body)
			}
		}
	})
}

// TestTheCoverageTellsNothingOfReportsThatOneMayNotList, and says that there may be some.
func TestTheCoverageTellsNothingOfReportsThatOneMayNotList(t *testing.T) {
	bubble(t, append(shopOf("team-a"), shopOf("team-b")...), func(t *testing.T, s *scene) {
		s.cluster(t, "team-a-source", "team-b-source")
		w := s.get(ofTeam, "/api/v1/coverage")
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), `"namespace":"team-b"`) || strings.Contains(w.Body.String(), "team-b/shop") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		mine := read[coveragePage](t, s, ofTeam, "/api/v1/coverage")
		must(t, "states", states(mine), []string{"team-b-source=Unproven", "team-a-source=Verified"})
		must(t, "unseen", mine.Unseen, []unseen{
			{"restoretests.restore.kymaros.io", "list restoretests.restore.kymaros.io in all namespaces"},
			{"restorereports.restore.kymaros.io", "list restorereports.restore.kymaros.io in all namespaces"},
		})
		must(t, "who may see all", states(read[coveragePage](t, s, ofAuditor, "/api/v1/coverage")), []string{"team-a-source=Verified", "team-b-source=Verified"})
	})
}

func TestWhatTheCoverageCannotSeeIsSaidAndNotProven(t *testing.T) {
	for sentence, c := range map[string]struct {
		verb, resource string
		code           int
		says           []string
	}{
		"namespaces are needed": {"list", "namespaces", 403, []string{`"right":"list namespaces"`}},
		"backups are needed":    {"list", "backups", 403, []string{`"right":"list backups.velero.io in namespace velero"`}},
		"without claims nothing is verified": {"list", "persistentvolumeclaims", 200, []string{
			`"resource":"persistentvolumeclaims","right":"list persistentvolumeclaims in all namespaces"`, `"state":"Partial","why":"its volumes were not looked at"`}},
		"without locations nothing is verified":            {"list", "backupstoragelocations", 200, []string{`"resource":"backupstoragelocations.velero.io"`, `"why":"whether its backup can still be read was not looked at"`}},
		"without schedules only they are not told of":      {"list", "schedules", 200, []string{`"resource":"schedules.velero.io"`, `"verified":1`}},
		"what backups hold of volumes is not made up":      {"list", "podvolumebackups", 200, []string{`"resource":"podvolumebackups.velero.io","right":"list podvolumebackups.velero.io in namespace velero"`, `"verified":1`}},
		"nor is it where only half of it can be looked at": {"list", "datauploads", 200, []string{`"resource":"datauploads.velero.io"`, `"verified":1`}},
	} {
		bubble(t, shopOf("team-a"), func(t *testing.T, s *scene) {
			s.cluster(t, "team-a-source")
			s.deny(c.verb, c.resource)
			w := s.get(ofAdmin, "/api/v1/coverage")
			if w.Code != c.code {
				t.Errorf("%s: %d %s", sentence, w.Code, w.Body)
			}
			for _, text := range c.says {
				if !strings.Contains(w.Body.String(), text) {
					t.Errorf("%s: %s lacks %s", sentence, w.Body, text)
				}
			}
		})
	}
}

func TestOnlySoManyCoveragesAtATime(t *testing.T) {
	bubble(t, shopOf("team-a"), func(t *testing.T, s *scene) {
		s.cluster(t, "team-a-source")
		for range coveragesAtOnce {
			s.covering <- struct{}{}
		}
		if w := s.get(ofAdmin, "/api/v1/coverage"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		<-s.covering
		if w := s.get(ofAdmin, "/api/v1/coverage"); w.Code != http.StatusOK {
			t.Errorf("when there is room: %d %s", w.Code, w.Body)
		}
	})
}

func TestATokenForThisAPISeesNoCoverage(t *testing.T) {
	bubble(t, shopOf("team-a"), func(t *testing.T, s *scene) {
		if w := s.get(ofScripts, "/api/v1/coverage"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "send one that the API server takes") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

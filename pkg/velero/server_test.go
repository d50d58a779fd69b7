package velero

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTheServerThatWasAtWorkIsKnownByItsAge(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(d)) }
	runs := func(since time.Duration) corev1.ContainerState {
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: at(since)}}
	}
	ended := func(when time.Duration) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{FinishedAt: at(when)}}
	}
	backsOff := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	pod := func(container string, state, last corev1.ContainerState) corev1.Pod {
		return corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{Name: container, State: state, LastTerminationState: last}}}}
	}
	none := corev1.ContainerState{}
	restore := func(phase velerov1.RestorePhase, began *metav1.Time) *velerov1.Restore {
		return &velerov1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "kymaros-shop-run"}, Status: velerov1.RestoreStatus{Phase: phase, StartTimestamp: began}}
	}
	start := at(0)
	working := restore(velerov1.RestorePhaseFinalizingPartiallyFailed, &start)
	for name, c := range map[string]struct {
		restore *velerov1.Restore
		pods    []corev1.Pod
		want    bool
	}{
		"it is older than the Restore":                   {working, []corev1.Pod{pod("velero", runs(-time.Hour), none)}, false},
		"it crashed before, and never since":             {working, []corev1.Pod{pod("velero", runs(-time.Hour), ended(-2*time.Hour))}, false},
		"it is younger":                                  {working, []corev1.Pod{pod("velero", runs(time.Minute), ended(time.Minute))}, true},
		"it is in another pod":                           {working, []corev1.Pod{pod("velero", runs(time.Minute), none)}, true},
		"it crashes again and again":                     {working, []corev1.Pod{pod("velero", backsOff, ended(time.Minute))}, true},
		"it has just crashed":                            {working, []corev1.Pod{pod("velero", ended(time.Minute), none)}, true},
		"the old one is there beside a new one":          {working, []corev1.Pod{pod("velero", runs(time.Minute), none), pod("velero", runs(-time.Hour), none)}, false},
		"there is none, for it may be about to come":     {working, nil, false},
		"a node agent that restarted is no server":       {working, []corev1.Pod{pod("velero", runs(-time.Hour), none), pod("node-agent", runs(time.Minute), ended(time.Minute))}, false},
		"a node agent that is old is none either":        {working, []corev1.Pod{pod("velero", runs(time.Minute), none), pod("node-agent", runs(-time.Hour), none)}, true},
		"Velero had not begun":                           {restore(velerov1.RestorePhaseNew, nil), []corev1.Pod{pod("velero", runs(time.Minute), none)}, false},
		"Velero was done, so nobody is at work any more": {restore(velerov1.RestorePhaseCompleted, &start), []corev1.Pod{pod("velero", runs(time.Minute), none)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Restarted(c.restore, c.pods); got != "" != c.want || c.want && !strings.Contains(got, "kymaros-shop-run") {
				t.Errorf("got %q, want %t", got, c.want)
			}
		})
	}
}

func TestAStoreThatIsAwayIsNotABackupThatIsBroken(t *testing.T) {
	const execution = "restore execution failed: "
	for reason, away := range map[string]bool{
		execution + `error downloading backup: rpc error: code = Unknown desc = error getting object backups/b/b.tar.gz from bucket velero: operation error S3: GetObject, exceeded maximum number of attempts, 10, https response error StatusCode: 0, RequestID: , HostID: , request send failed, Get "http://10.0.0.1:9000/velero/backups/b/b.tar.gz": dial tcp 10.0.0.1:9000: connect: connection refused`: true,
		execution + "error downloading backup: rpc error: code = Unknown desc = operation error S3: GetObject, https response error StatusCode: 503, SlowDown":                                               true,
		execution + "error downloading backup: rpc error: code = Unknown desc = operation error S3: GetObject, https response error StatusCode: 403, api error AccessDenied":                                 true,
		execution + "error fetching volume snapshots metadata: rpc error: code = Unknown desc = i/o timeout":                                                                                                 true,
		execution + "error setting up backup store to persist log and results files: connection reset by peer":                                                                                               true,
		execution + "error downloading backup: rpc error: code = Unknown desc = error getting object: operation error S3: GetObject, https response error StatusCode: 404, NoSuchKey":                        false,
		execution + "error downloading backup: storage: object doesn't exist":                                                                                                                                false,
		execution + "error downloading backup: unexpected EOF":                                                                                                                                               true,
		execution + "error fetching volume snapshots metadata: unexpected EOF":                                                                                                                               false,
		execution + "error fetching volume snapshots metadata: gzip: invalid header":                                                                                                                         false,
		execution + "error downloading backup: error getting object backups/notfound-20261124040000/notfound-20261124040000.tar.gz from bucket velero: dial tcp 10.0.0.5:40412: connect: connection refused": true,
		execution + "error downloading backup: error getting object backups/notfound-20261124040000/notfound-20261124040000.tar.gz from bucket velero: https response error StatusCode: 404, RequestID: 1, ": false,
		execution + "rpc error: code = Unknown desc = error checking for metadata/b-volumeinfo.json.gz: operation error S3: HeadObject, https response error StatusCode: 503, SlowDown":                      true,
		`rpc error: code = Unknown desc = operation error S3: HeadObject: dial tcp 10.0.0.1:9000: connect: connection refused`:                                                                               true,
		execution + "unable to get credentials: unable to get key for secret: Secret \"cloud\" not found":                                                                                                    true,
		execution + "rpc error: code = Unknown desc = operation error S3: GetObject, https response error StatusCode: 404, NoSuchKey":                                                                        false,
		execution + "error parsing backup contents: directory \"resources\" does not exist":                                                                                                                  false,
		execution + "gzip: invalid header": false,
		"no bucket":                        false,
		"":                                 false,
	} {
		r := &velerov1.Restore{Spec: velerov1.RestoreSpec{BackupName: "notfound-20261124040000"}, Status: velerov1.RestoreStatus{Phase: velerov1.RestorePhaseFailed, FailureReason: reason}}
		if StoreAway(r) != away {
			t.Errorf("%q: %v", reason, !away)
		}
		if r.Status.Phase = velerov1.RestorePhasePartiallyFailed; StoreAway(r) {
			t.Errorf("%q: what Velero restored in part it has read", reason)
		}
	}
}

package metrics

import (
	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/conditions"
	"github.com/kymaros/kymaros/pkg/line"
)

// What has more labels than the test, or none.
var (
	leading       = described("leading", "Whether this controller holds the lease, and so starts and ends runs, 1 or 0.")
	proberLeading = described("prober_leading", "Whether this prober holds the lease, and so lets runs go on, checks and reports, 1 or 0.")
	result        = described("test_result", "Result of the last run: 1 for the one that it had, 0 for the others.", "namespace", "test", "result")
	part          = described("rto_part_seconds", "Part of the way to recovery in the last run: queue (before the recovery time begins), restore, volume_data (within restore), pods, checks.",
		"namespace", "test", "part")
	interval = described("schedule_interval_seconds", "Longest time between two times of spec.schedule.cron: no run is older, if each came and ended. Absent if it cannot be read.",
		perTest...)
	place = described("place_in_line", "Place of a test in the line of those that wait for their turn, 1 for the next. Absent if it does not wait.",
		perTest...)
	waiting           = described("waiting_tests", "Number of tests whose run is due and waits in line for its turn.")
	lineStalled       = described("line_stalled", "Whether the line does not move because Velero is busy for longer than --velero-stalled-after, 1 or 0.")
	proof             = described("isolation_proof", "What canaries have shown of the network plugin in the newest run that asked them: 1 for that state, 0 for the others.", "state")
	namespaceVerified = described("namespace_last_verified_backup_timestamp_seconds",
		"When the newest backup of a source namespace began that passed in any test, in Unix seconds.", "source_namespace")
)

func (c collection) results(rt *v1alpha1.RestoreTest) {
	if rt.Status.LastResult == "" {
		return
	}
	for _, r := range results {
		c.tell(result, is(r == rt.Status.LastResult), rt.Namespace, rt.Name, string(r))
	}
}

func (c collection) parts(rt *v1alpha1.RestoreTest) {
	parts := measured(rt).Parts
	if parts == nil {
		return
	}
	for _, p := range []struct {
		name   string
		length v1alpha1.Duration
	}{
		{"queue", parts.Queue}, {"restore", parts.Restore}, {"volume_data", parts.VolumeData}, {"pods", parts.Pods}, {"checks", parts.Checks},
	} {
		if p.length != "" {
			c.tell(part, p.length.Or(0).Seconds(), rt.Namespace, rt.Name, p.name)
		}
	}
}

func (c collection) line(all []*v1alpha1.RestoreTest) {
	stalled := false
	inLine := line.Of(all)
	for i, rt := range inLine {
		c.tell(place, float64(i+1), rt.Namespace, rt.Name)
		scheduled := conditions.ForRun(rt, v1alpha1.ConditionScheduled)
		stalled = stalled || scheduled != nil && scheduled.Reason == v1alpha1.ReasonVeleroStalled
	}
	c.tell(waiting, float64(len(inLine)))
	c.tell(lineStalled, is(stalled))
}

func (c collection) isolation(all []*v1alpha1.RestoreTest) {
	var newest *v1alpha1.RestoreTest
	for _, rt := range all {
		if proven(rt) != "" && (newest == nil || newest.Status.Run.StartTime.Before(&rt.Status.Run.StartTime)) {
			newest = rt
		}
	}
	if newest == nil {
		return
	}
	for _, state := range []v1alpha1.IsolationProof{v1alpha1.IsolationProven, v1alpha1.IsolationUnproven, v1alpha1.IsolationNotEnforced, v1alpha1.IsolationOff} {
		c.tell(proof, is(state == proven(newest)), string(state))
	}
}

// proven is what rt's run was told last: what the sandbox became ready with may have changed while the restore waited.
func proven(rt *v1alpha1.RestoreTest) v1alpha1.IsolationProof {
	if !conditions.Began(rt) || rt.Status.Sandbox == nil || rt.Status.Sandbox.RunID != rt.Status.Run.ID {
		return ""
	}
	if restored := conditions.ForRun(rt, v1alpha1.ConditionRestored); restored != nil {
		switch restored.Reason {
		case v1alpha1.ReasonIsolationNotEnforced:
			return v1alpha1.IsolationNotEnforced
		case v1alpha1.ReasonIsolationUnproven:
			return v1alpha1.IsolationUnproven
		}
	}
	return rt.Status.Sandbox.Isolation
}

func (c collection) namespaces(all []*v1alpha1.RestoreTest) {
	newest := map[string]float64{}
	for _, rt := range all {
		verified := rt.Status.LastVerified
		if verified == nil || verified.BackupTime == nil {
			continue
		}
		for _, ns := range verified.Namespaces {
			newest[ns] = max(newest[ns], float64(verified.BackupTime.Unix()))
		}
	}
	for ns, at := range newest {
		c.tell(namespaceVerified, at, ns)
	}
}

package report

import (
	"context"
	"slices"
	"strings"

	"k8s.io/component-base/version"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	chain "github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

const (
	// maxBytes is the largest number that canonical JSON holds exactly.
	maxBytes = 1<<53 - 1
	// maxControls and maxControl are how many controls the CRD lets a report name, and how long we let one be.
	maxControls, maxControl = 64, 100
)

// seal completes a report whose verdict stands: it ties it to the reports before, of which past has those that are left, says whose
// it is, and signs it. What cannot be told is left out; no run fails for it.
func (c *Controller) seal(ctx context.Context, rt *v1alpha1.RestoreTest, report *v1alpha1.RestoreReport, past []v1alpha1.RestoreReport, s seen) {
	status, logger := report.Status, klog.FromContext(ctx)
	for i := range status.Volumes {
		status.Volumes[i].Bytes = min(status.Volumes[i].Bytes, maxBytes)
	}
	e := chain.Extend(chain.HeadOf(rt), records(ctx, rt, past), records(ctx, rt, surplus(past, rt)))
	e.Cluster = c.cluster.get(ctx, c.kube)
	e.Test = testIdentity(rt)
	e.Kymaros = version.Get().GitVersion
	e.Controls = controls(rt)
	if backup, err := c.backups.Backups(c.veleroNamespace).Get(status.Backup.Name); err == nil && status.Backup.Name != "" {
		e.Backup.UID = backup.UID
	}
	if s.notListed == "" && len(s.holds) > 0 {
		e.Backup.ObjectsDigest = objectsDigest(s.holds)
	}
	status.Evidence = &e
	key, why := signer(c.keyDir)
	if key == nil {
		e.NotSigned = why
		return
	}
	if err := key.Sign(report); err != nil {
		logger.Error(err, "The report is not signed", "report", klog.KObj(report))
		e.KeyID, e.NotSigned = "", err.Error()
	}
}

// records returns those of reports that are of rt's chain, without that of the current run.
func records(ctx context.Context, rt *v1alpha1.RestoreTest, reports []v1alpha1.RestoreReport) (all []chain.Record) {
	for i := range reports {
		r := &reports[i]
		if !numbered(*r) || r.Spec.TestRef != rt.Name || ofRun(r, rt) || !controller.WroteReport(r) {
			continue
		}
		record, err := chain.OfReport(r)
		if err != nil {
			klog.FromContext(ctx).Error(err, "A report has no digest", "report", klog.KObj(r))
			continue
		}
		all = append(all, record)
	}
	return all
}

// headOf returns the number and the digest of a report as the API server has it; empty if it has none.
func headOf(ctx context.Context, report *v1alpha1.RestoreReport) chain.Head {
	if !numbered(*report) {
		return chain.Head{}
	}
	record, err := chain.OfReport(report)
	if err != nil {
		klog.FromContext(ctx).Error(err, "A report has no digest", "report", klog.KObj(report))
		return chain.Head{}
	}
	return chain.Head{Sequence: record.Sequence(), Digest: record.Verdict}
}

// withHead returns last with that head, unless it has a newer one.
func withHead(last *v1alpha1.LastRun, head chain.Head) *v1alpha1.LastRun {
	if last == nil || head.Sequence <= last.Sequence {
		return last
	}
	last = last.DeepCopy()
	last.Sequence, last.Digest = head.Sequence, head.Digest
	return last
}

func testIdentity(rt *v1alpha1.RestoreTest) v1alpha1.TestIdentity {
	t := v1alpha1.TestIdentity{UID: rt.UID}
	t.SpecDigest, _ = chain.DigestOf(rt.Status.Run.Spec) // of texts and small numbers
	if now, err := chain.DigestOf(rt.Spec); err == nil && now == t.SpecDigest {
		t.Generation = rt.Generation
	}
	if _, _, health := fragments(rt); health.Policy != nil {
		t.PolicyDigest = health.Policy.Digest
	}
	return t
}

// controls returns those that the test's annotation names.
func controls(rt *v1alpha1.RestoreTest) (all []string) {
	for control := range strings.SplitSeq(rt.Annotations[v1alpha1.AnnotationControls], ",") {
		if control = strings.TrimSpace(control); control != "" && len(control) <= maxControl {
			all = append(all, control)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxControls)]
}

// objectsDigest returns the digest of the list of what a backup holds.
func objectsDigest(holds sideeffects.Inventory) v1alpha1.Digest {
	all := map[string]any{}
	for kind, named := range holds {
		var list []any
		for _, name := range slices.Sorted(slices.Values(named)) {
			list = append(list, name)
		}
		all[kind.String()] = list
	}
	digest, _ := chain.DigestOf(all) // of texts
	return digest
}

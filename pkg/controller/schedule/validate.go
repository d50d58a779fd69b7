package schedule

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// validate finds what makes a run impossible in spec. The CRD refuses all of it; an object that was stored before the CRD
// was in place can still hold it.
func validate(spec *v1alpha1.RestoreTestSpec) error {
	var errs []error
	duration := func(field string, d v1alpha1.Duration) {
		if _, err := d.Parse(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
	}
	quantity := func(field string, q v1alpha1.Quantity) {
		if q == "" {
			return
		}
		if parsed, err := resource.ParseQuantity(string(q)); err != nil || parsed.Sign() < 0 {
			errs = append(errs, fmt.Errorf("%s: %q is not a quantity: write it as 2, 500m or 4Gi", field, string(q)))
		}
	}
	duration("spec.backupSource.maxBackupAge", spec.BackupSource.MaxBackupAge)
	duration("spec.backupSource.maxAge", spec.BackupSource.MaxAge)
	duration("spec.schedule.jitter", spec.Schedule.Jitter)
	duration("spec.sandbox.ttl", spec.Sandbox.TTL)
	duration("spec.healthChecks.timeout", spec.HealthChecks.Timeout)
	duration("spec.healthChecks.podReadyTimeout", spec.HealthChecks.PodReadyTimeout)
	duration("spec.healthChecks.stableFor", spec.HealthChecks.StableFor)
	if spec.Timeout != nil {
		duration("spec.timeout", *spec.Timeout)
	}
	if spec.SLA != nil {
		duration("spec.sla.maxRTO", spec.SLA.MaxRTO)
	}
	quantity("spec.sandbox.resourceQuota.cpu", spec.Sandbox.ResourceQuota.CPU)
	quantity("spec.sandbox.resourceQuota.memory", spec.Sandbox.ResourceQuota.Memory)
	quantity("spec.sandbox.resourceQuota.storage", spec.Sandbox.ResourceQuota.Storage)

	if len(spec.BackupSource.Namespaces) == 0 {
		errs = append(errs, errors.New("spec.backupSource.namespaces: is empty; name at least one namespace of the backup"))
	}
	if prefix := spec.Sandbox.NamespacePrefix; names.Exempt(prefix + "-") {
		errs = append(errs, fmt.Errorf("spec.sandbox.namespacePrefix: %q makes names that begin with kube- or openshift-, which policies of clusters exempt; choose another prefix", prefix))
	}
	sandboxes := map[string]bool{}
	for i, ns := range spec.BackupSource.Namespaces {
		field := fmt.Sprintf("spec.backupSource.namespaces[%d].sandboxName", i)
		if ns.SandboxName != "" && sandboxes[ns.SandboxName] {
			errs = append(errs, fmt.Errorf("%s: %q is used twice; each source needs a sandbox of its own", field, ns.SandboxName))
		}
		sandboxes[ns.SandboxName] = true
		if names.Exempt(ns.SandboxName) {
			errs = append(errs, fmt.Errorf("%s: %q begins with kube- or openshift-, which policies of clusters exempt; choose another name", field, ns.SandboxName))
		}
		for _, other := range spec.BackupSource.Namespaces {
			if ns.SandboxName == other.Name {
				errs = append(errs, fmt.Errorf("%s: %q is a source namespace; a test never restores into its source", field, ns.SandboxName))
			}
		}
	}
	return errors.Join(errs...)
}

package server

import (
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// testInput is what a caller says of a test. Durations are texts such as 30m. What is empty is not set.
type testInput struct {
	Name string `json:"name,omitempty"`
	// Namespace of the test; by default that of this program.
	Namespace  string   `json:"namespace,omitempty"`
	Provider   string   `json:"provider,omitempty"`
	BackupName string   `json:"backupName,omitempty"`
	Namespaces []string `json:"namespaces"`
	Cron       string   `json:"cron"`
	Timezone   string   `json:"timezone,omitempty"`

	SandboxPrefix    string `json:"sandboxPrefix,omitempty"`
	TTL              string `json:"ttl,omitempty"`
	NetworkIsolation string `json:"networkIsolation,omitempty"`
	QuotaCPU         string `json:"quotaCpu,omitempty"`
	QuotaMemory      string `json:"quotaMemory,omitempty"`

	HealthCheckRef     string `json:"healthCheckRef,omitempty"`
	HealthCheckTimeout string `json:"healthCheckTimeout,omitempty"`
	MaxRTO             string `json:"maxRTO,omitempty"`
	AlertOnExceed      bool   `json:"alertOnExceed,omitempty"`
	// Suspend stops runs by the clock; left out, it stays as it is.
	Suspend *bool `json:"suspend,omitempty"`
	// ResourceVersion of the test as the caller saw it: a change is refused if somebody made another meanwhile.
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// into writes what the input tells of into a spec, and leaves alone what it has no word for.
func (in *testInput) into(spec *v1alpha1.RestoreTestSpec) error {
	if len(in.Namespaces) == 0 {
		return problem.Wrong("namespaces", "name at least one namespace to restore")
	}
	if in.Cron == "" {
		return problem.Wrong("cron", "say when the test runs, for example 0 3 * * *")
	}
	for field, text := range map[string]string{"ttl": in.TTL, "healthCheckTimeout": in.HealthCheckTimeout, "maxRTO": in.MaxRTO} {
		if _, err := v1alpha1.Duration(text).Parse(); err != nil {
			return problem.Wrong(field, "%s", err)
		}
	}
	if in.AlertOnExceed && in.MaxRTO == "" {
		return problem.Wrong("alertOnExceed", "needs maxRTO")
	}
	if in.Suspend != nil {
		spec.Suspend = *in.Suspend
	}
	source := &spec.BackupSource
	source.Provider, source.BackupName = in.Provider, in.BackupName
	if source.Provider == "" {
		source.Provider = "velero"
	}
	before := source.Namespaces
	source.Namespaces = nil
	for _, name := range in.Namespaces {
		ns := v1alpha1.SourceNamespace{Name: name}
		if i := slices.IndexFunc(before, func(ns v1alpha1.SourceNamespace) bool { return ns.Name == name }); i >= 0 {
			ns = before[i]
		}
		source.Namespaces = append(source.Namespaces, ns)
	}
	spec.Schedule.Cron, spec.Schedule.Timezone = in.Cron, in.Timezone
	spec.Sandbox.NamespacePrefix, spec.Sandbox.TTL = in.SandboxPrefix, v1alpha1.Duration(in.TTL)
	spec.Sandbox.NetworkIsolation = v1alpha1.NetworkIsolation(in.NetworkIsolation)
	spec.Sandbox.ResourceQuota.CPU, spec.Sandbox.ResourceQuota.Memory = v1alpha1.Quantity(in.QuotaCPU), v1alpha1.Quantity(in.QuotaMemory)
	spec.HealthChecks.PolicyRef, spec.HealthChecks.Timeout = in.HealthCheckRef, v1alpha1.Duration(in.HealthCheckTimeout)
	spec.SLA = nil
	if in.MaxRTO != "" {
		spec.SLA = &v1alpha1.SLA{MaxRTO: v1alpha1.Duration(in.MaxRTO), AlertOnExceed: in.AlertOnExceed}
	}
	return nil
}

// fieldOf are the fields of an input by those of the object that they become, the longest first.
var fieldOf = []struct{ object, input string }{
	{"spec.backupSource.backupName", "backupName"},
	{"spec.backupSource.namespaces", "namespaces"},
	{"spec.backupSource.provider", "provider"},
	{"spec.healthChecks.policyRef", "healthCheckRef"},
	{"spec.healthChecks.timeout", "healthCheckTimeout"},
	{"spec.sandbox.namespacePrefix", "sandboxPrefix"},
	{"spec.sandbox.networkIsolation", "networkIsolation"},
	{"spec.sandbox.resourceQuota.cpu", "quotaCpu"},
	{"spec.sandbox.resourceQuota.memory", "quotaMemory"},
	{"spec.sandbox.ttl", "ttl"},
	{"spec.schedule.cron", "cron"},
	{"spec.schedule.timezone", "timezone"},
	{"spec.sla.maxRTO", "maxRTO"},
	{"metadata.name", "name"},
}

// inputField returns the field of an input that a field of the object was made of, or that of the object.
func inputField(field string) string {
	for _, f := range fieldOf {
		if strings.HasPrefix(field, f.object) {
			return f.input
		}
	}
	return field
}

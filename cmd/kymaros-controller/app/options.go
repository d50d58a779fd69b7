package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/bounds"
	"github.com/kymaros/kymaros/pkg/isolation"
	"github.com/kymaros/kymaros/pkg/scope"
)

// Options are the flags of the controller.
type Options struct {
	process.APIServer
	process.Listens

	// Controllers are those that this process runs.
	Controllers []string

	VeleroNamespace string
	// VeleroVersion is that of Velero's server; empty: as the tag of its image says.
	VeleroVersion string
	ClusterDomain string
	MaxRestores   int
	// RunsAhead is how many runs get their sandbox while others restore.
	RunsAhead int
	// WaitForAnyBackup keeps runs back while Velero is at any backup.
	WaitForAnyBackup bool
	// Yield has our Restores make way for those of others.
	Yield bool
	// VeleroStalledAfter is how long Velero may keep the line before those who wait say so.
	VeleroStalledAfter time.Duration
	CheckWorkers       int
	// PermittedResources are those that tests may add to what is restored.
	PermittedResources []string
	// IsolationProof is require, report or off.
	IsolationProof string
	// IsolationPatience is how long a run waits for a proof of isolation.
	IsolationPatience time.Duration
	// SandboxBindings: who may look into a sandbox gets the right in that sandbox only.
	SandboxBindings bool
	// RequireFence: without an intact fence no run starts.
	RequireFence bool
	// Bounds are what one test may take.
	Bounds bounds.Bounds
	// EvidenceKeyDir holds the private keys that sign reports.
	EvidenceKeyDir string

	LeaderElect          bool
	LeaderElectNamespace string
	// LeaderElectResourceName is that of the lease. Processes that run the same controllers share one.
	LeaderElectResourceName string

	// MetricsOpen: whoever reaches the port gets the metrics.
	MetricsOpen bool
}

// NewOptions returns the defaults. The environment gives the namespaces and the directory of keys, as the manifests set it.
func NewOptions() *Options {
	return &Options{
		APIServer: process.APIServer{QPS: 50, Burst: 100}, Listens: process.NewListens(),
		Controllers:          slices.Clone(everyController),
		VeleroNamespace:      process.Env("KYMAROS_VELERO_NAMESPACE", "velero"),
		ClusterDomain:        process.ClusterDomain(),
		MaxRestores:          1,
		RunsAhead:            1,
		Yield:                true,
		VeleroStalledAfter:   time.Hour,
		CheckWorkers:         8,
		IsolationProof:       isolation.Required,
		IsolationPatience:    isolation.Patience,
		SandboxBindings:      process.Env("KYMAROS_SANDBOX_BINDINGS", "true") != "false",
		RequireFence:         true,
		Bounds:               bounds.Bounds{TTL: 24 * time.Hour},
		EvidenceKeyDir:       process.Env("KYMAROS_EVIDENCE_KEY_DIR", ""),
		LeaderElect:          true,
		LeaderElectNamespace: process.Env("POD_NAMESPACE", "kymaros-system"),

		LeaderElectResourceName: "kymaros-controller",
	}
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	o.APIServer.AddFlags(fs, ", of each controller")
	o.Listens.AddFlags(fs, "")
	fs.StringSliceVar(&o.Controllers, "controllers", o.Controllers, "controllers to run; the others have to run in another process, with a lease of its own")
	fs.StringVar(&o.VeleroNamespace, "velero-namespace", o.VeleroNamespace, "namespace of Velero's Backups and Restores")
	fs.StringVar(&o.VeleroVersion, "velero-version", o.VeleroVersion, "version of Velero's server, such as v1.18.3; empty: as the tag of its image says, if it is one")
	process.AddClusterDomain(fs, &o.ClusterDomain)
	fs.IntVar(&o.MaxRestores, "max-restores", o.MaxRestores, "how many Velero Restores of ours may be under way at once")
	fs.IntVar(&o.RunsAhead, "runs-ahead", o.RunsAhead, "how many runs get their sandbox, and a proof of isolation, while Velero restores for the runs before them; all others wait without")
	fs.BoolVar(&o.WaitForAnyBackup, "wait-for-any-backup", o.WaitForAnyBackup, "start no run while Velero is at any backup; without, only those wait whose namespaces are being backed up")
	fs.BoolVar(&o.Yield, "yield", o.Yield, "have a test's Restore make way for any other that comes while it is under way: the movement of its data is cancelled, and the run tried again once")
	fs.DurationVar(&o.VeleroStalledAfter, "velero-stalled-after", o.VeleroStalledAfter, "how long Velero may keep the line of runs before those who wait say VeleroStalled")
	fs.IntVar(&o.CheckWorkers, "check-workers", o.CheckWorkers, "how many health checks may run at once")
	fs.StringSliceVar(&o.PermittedResources, "permitted-resources", o.PermittedResources,
		"resources, such as certificates.cert-manager.io, that a RestoreTest may restore beside the built-in list (spec.restore.includedResources); "+
			"an operator that serves them acts on the copies in a sandbox too")
	fs.DurationVar(&o.IsolationPatience, "isolation-patience", o.IsolationPatience,
		"how long a run waits for a proof of isolation before it ends inconclusive; more where nodes come and go all the time, for the canaries of a new one have to settle")
	fs.StringVar(&o.IsolationProof, "isolation-proof", o.IsolationProof,
		"require: restore only where canaries show that NetworkPolicies are enforced, before a sandbox is ready and again right before the restore; report: restore anyway, and say what they show; off: do not look")
	fs.BoolVar(&o.SandboxBindings, "sandbox-bindings", o.SandboxBindings,
		"let kymaros-prober and kymaros-dns look into a sandbox by RoleBindings in it, when its guards were seen; without, they need their rights in the whole cluster (manifests/overlays/seed-rbac)")
	fs.BoolVar(&o.RequireFence, "require-fence", o.RequireFence,
		"start runs only while the admission policies of manifests/fence are in force, as shipped; without, runs start anyway and every report says what was seen")
	for _, quantity := range []struct {
		flag, of string
		value    *resource.Quantity
	}{
		{bounds.FlagCPU, "CPU that the pods", &o.Bounds.CPU}, {bounds.FlagMemory, "memory that the pods", &o.Bounds.Memory},
		{bounds.FlagStorage, "storage that the claims", &o.Bounds.Storage},
	} {
		fs.Var(quantityFlag{quantity.value}, quantity.flag, quantity.of+" of one sandbox may request together; a test that asks for more does not run. "+
			"0: no bound, and a test that gives no quota gets twice what production requests")
	}
	fs.DurationVar(&o.Bounds.TTL, bounds.FlagTTL, o.Bounds.TTL,
		"how long the sandboxes of a run may live; a test whose sandbox.ttl or timeout is longer does not run. 0: no bound")
	fs.StringVar(&o.EvidenceKeyDir, "evidence-key-dir", o.EvidenceKeyDir,
		"directory with private keys in PEM, Ed25519 or ECDSA P-256, of which the last by name signs reports; empty, or without a key: reports say that they are not signed")
	fs.BoolVar(&o.LeaderElect, "leader-elect", o.LeaderElect, "work only while holding the lease; needed with more than one replica")
	fs.StringVar(&o.LeaderElectNamespace, "leader-elect-namespace", o.LeaderElectNamespace, "namespace of the lease, and of kymaros-dns")
	fs.StringVar(&o.LeaderElectResourceName, "leader-elect-resource-name", o.LeaderElectResourceName, "name of the lease, which only processes with the same --controllers may share")
	fs.BoolVar(&o.MetricsOpen, "metrics-open", o.MetricsOpen,
		"give /metrics, with the names of tests and namespaces in them, to whoever reaches the port; without, to those whose bearer token may get /metrics (ClusterRole kymaros-metrics-reader)")
	process.AddLogging(fs)
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	for flag, namespace := range map[string]string{"velero-namespace": o.VeleroNamespace, "leader-elect-namespace": o.LeaderElectNamespace} {
		for _, problem := range validation.IsDNS1123Label(namespace) {
			errs = append(errs, fmt.Errorf("--%s=%q: %s", flag, namespace, problem))
		}
	}
	for _, problem := range validation.IsDNS1123Subdomain(o.LeaderElectResourceName) {
		errs = append(errs, fmt.Errorf("--leader-elect-resource-name=%q: %s", o.LeaderElectResourceName, problem))
	}
	if len(o.Controllers) == 0 {
		errs = append(errs, errors.New("--controllers: must name one at least"))
	}
	for _, name := range o.Controllers {
		if !slices.Contains(everyController, name) {
			errs = append(errs, fmt.Errorf("--controllers=%q: must be of %s", name, strings.Join(everyController, ", ")))
		}
	}
	if o.VeleroVersion != "" {
		if _, err := version.ParseSemantic(o.VeleroVersion); err != nil {
			errs = append(errs, fmt.Errorf("--velero-version=%q: must be a version such as v1.18.3", o.VeleroVersion))
		}
	}
	for _, problem := range validation.IsDNS1123Subdomain(o.ClusterDomain) {
		errs = append(errs, fmt.Errorf("--cluster-domain=%q: %s", o.ClusterDomain, problem))
	}
	for flag, number := range map[string]int{"max-restores": o.MaxRestores, "check-workers": o.CheckWorkers} {
		if number < 1 {
			errs = append(errs, fmt.Errorf("--%s=%d: must be at least 1", flag, number))
		}
	}
	if o.RunsAhead < 0 {
		errs = append(errs, fmt.Errorf("--runs-ahead=%d: must be 0 or more", o.RunsAhead))
	}
	if o.VeleroStalledAfter <= 0 {
		errs = append(errs, fmt.Errorf("--velero-stalled-after=%s: must be more than 0", o.VeleroStalledAfter))
	}
	for _, resource := range o.PermittedResources {
		if err := scope.Permit(resource); err != nil {
			errs = append(errs, fmt.Errorf("--permitted-resources: %w", err))
		}
	}
	if o.IsolationPatience < 0 {
		errs = append(errs, fmt.Errorf("--isolation-patience=%s: must not be negative", o.IsolationPatience))
	}
	switch o.IsolationProof {
	case isolation.Required, isolation.Reported, isolation.Off:
	default:
		errs = append(errs, fmt.Errorf("--isolation-proof=%q: must be require, report or off", o.IsolationProof))
	}
	if err := o.Bounds.Validate(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, o.APIServer.Validate(), o.Listens.Validate())...)
}

// quantityFlag is a flag of a quantity, written as in manifests.
type quantityFlag struct{ *resource.Quantity }

func (f quantityFlag) Set(text string) error {
	q, err := resource.ParseQuantity(text)
	if err != nil {
		return errors.New("must be a quantity such as 2, 500m or 4Gi")
	}
	*f.Quantity = q
	return nil
}

func (quantityFlag) Type() string { return "quantity" }

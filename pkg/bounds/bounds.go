// Package bounds knows what the administrator lets one test take: the controller's flags --max-sandbox-*. It is pure.
package bounds

import (
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// The flags.
const (
	FlagCPU     = "max-sandbox-cpu"
	FlagMemory  = "max-sandbox-memory"
	FlagStorage = "max-sandbox-storage"
	FlagTTL     = "max-sandbox-ttl"
)

// Bounds are what one test may take.
type Bounds struct {
	// CPU, Memory and Storage that one sandbox may request; zero for no bound.
	CPU, Memory, Storage resource.Quantity
	// TTL is how long the sandboxes of a run may live; zero for no bound.
	TTL time.Duration
}

// Validate returns what is wrong with the bounds, each with its flag.
func (b Bounds) Validate() error {
	var errs []error
	for flag, q := range map[string]resource.Quantity{FlagCPU: b.CPU, FlagMemory: b.Memory, FlagStorage: b.Storage} {
		if q.Sign() < 0 {
			errs = append(errs, fmt.Errorf("--%s=%s: must not be negative; 0 for no bound", flag, q.String()))
		}
	}
	if b.TTL < 0 {
		errs = append(errs, fmt.Errorf("--%s=%s: must not be negative; 0 for no bound", FlagTTL, b.TTL))
	}
	return errors.Join(errs...)
}

// Exceeded returns what a test asks for beyond the bounds: each field, with its value and the flag that forbids it. Values
// that cannot be read are somebody else's to refuse.
func (b Bounds) Exceeded(spec *v1alpha1.RestoreTestSpec) error {
	var errs []error
	tooMuch := func(field, asked, most, flag string) {
		errs = append(errs, fmt.Errorf("%s: %s is more than the %s that the controller's flag --%s allows; ask for less, or have the flag raised", field, asked, most, flag))
	}
	quantity := func(name string, asked v1alpha1.Quantity, most resource.Quantity, flag string) {
		q, err := resource.ParseQuantity(string(asked))
		if err == nil && !most.IsZero() && q.Cmp(most) > 0 {
			tooMuch("spec.sandbox.resourceQuota."+name, string(asked), most.String(), flag)
		}
	}
	quantity("cpu", spec.Sandbox.ResourceQuota.CPU, b.CPU, FlagCPU)
	quantity("memory", spec.Sandbox.ResourceQuota.Memory, b.Memory, FlagMemory)
	quantity("storage", spec.Sandbox.ResourceQuota.Storage, b.Storage, FlagStorage)
	duration := func(field string, asked v1alpha1.Duration) {
		if d := asked.Or(0); b.TTL > 0 && d > b.TTL {
			tooMuch(field, string(asked), b.TTL.String(), FlagTTL)
		}
	}
	duration("spec.sandbox.ttl", spec.Sandbox.TTL)
	if spec.Timeout != nil {
		duration("spec.timeout", *spec.Timeout)
	}
	return errors.Join(errs...)
}

// Quota returns what the test asks for and, where it asks for nothing, what the bounds allow. Empty is what neither says.
func (b Bounds) Quota(asked v1alpha1.SandboxQuota) v1alpha1.SandboxQuota {
	fill := func(q *v1alpha1.Quantity, most resource.Quantity) {
		if *q == "" && !most.IsZero() {
			*q = v1alpha1.Quantity(most.String())
		}
	}
	fill(&asked.CPU, b.CPU)
	fill(&asked.Memory, b.Memory)
	fill(&asked.Storage, b.Storage)
	return asked
}

// Life returns how long a run may take that would take d.
func (b Bounds) Life(d time.Duration) time.Duration {
	if b.TTL > 0 && b.TTL < d {
		return b.TTL
	}
	return d
}

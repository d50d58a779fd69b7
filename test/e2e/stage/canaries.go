package stage

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// CanaryNamespace is where the canaries are.
	CanaryNamespace = "kymaros-canary"

	canaryProgram = "kymaros-canary"
)

// canaries are the names of their DaemonSets.
var canaries = []string{"canary-target", "canary-fenced", "canary-control"}

// canariesRun tells whether all canaries are of that build.
func (c *Cluster) canariesRun(ctx context.Context, build string) bool {
	for _, name := range canaries {
		have, err := c.Kube.AppsV1().DaemonSets(CanaryNamespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil || have.Spec.Template.Annotations[buildAnnotation] != build {
			return false
		}
	}
	return true
}

func (c *Cluster) updateCanaries(ctx context.Context, build string) error {
	patch, err := runBuild("canary", build, "")
	if err != nil {
		return err
	}
	for _, name := range canaries {
		if _, err := c.Kube.AppsV1().DaemonSets(CanaryNamespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// AwaitCanaries waits until all canaries are of the newest revision and ready: they have shown that policies are enforced.
func (c *Cluster) AwaitCanaries(ctx context.Context) error {
	return Poll(ctx, 2*time.Minute, func(ctx context.Context) error {
		for _, name := range canaries {
			d, err := c.Kube.AppsV1().DaemonSets(CanaryNamespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if s := d.Status; s.ObservedGeneration < d.Generation || s.DesiredNumberScheduled == 0 ||
				s.UpdatedNumberScheduled != s.DesiredNumberScheduled || s.NumberReady != s.DesiredNumberScheduled {
				return fmt.Errorf("daemonset %s: %d of %d pods are new, %d ready", name, s.UpdatedNumberScheduled, s.DesiredNumberScheduled, s.NumberReady)
			}
		}
		return nil
	})
}

// EnforcePolicies starts or stops what enforces NetworkPolicies in the cluster.
func (c *Cluster) EnforcePolicies(ctx context.Context, enforce bool) error {
	command := "stop"
	if enforce {
		command = "start"
	}
	return c.command(ctx, "test/cluster/run.sh", "netpol", command)
}

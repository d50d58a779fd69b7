package stage

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/canary"
	"github.com/kymaros/kymaros/pkg/isolation"
)

const (
	canaryProgram = "kymaros-canary"
	// canaryGuide is the Deployment in the namespace of the targets that tells the others where those are.
	canaryGuide = "canary-guide"
)

// canaries are the namespaces of their DaemonSets, by name.
var canaries = map[string]string{"canary-target": canary.TargetNamespace, "canary-fenced": canary.Namespace, "canary-control": canary.Namespace}

// canariesRun tells whether all canaries are of that build.
func (c *Cluster) canariesRun(ctx context.Context, build string) bool {
	for name, namespace := range canaries {
		have, err := c.Kube.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil || have.Spec.Template.Annotations[buildAnnotation] != build {
			return false
		}
	}
	guide, err := c.Kube.AppsV1().Deployments(canary.TargetNamespace).Get(ctx, canaryGuide, metav1.GetOptions{})
	return err == nil && guide.Spec.Template.Annotations[buildAnnotation] == build
}

// updateCanaries has them run that build. The guide begins anew in any case, as all do that ask the API server.
func (c *Cluster) updateCanaries(ctx context.Context, build string) error {
	for name, namespace := range canaries {
		var initContainers []string
		if name == "canary-fenced" {
			initContainers = []string{canary.BirthContainer}
		}
		patch, err := runBuild("canary", build, "", initContainers...)
		if err != nil {
			return err
		}
		if _, err := c.Kube.AppsV1().DaemonSets(namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	patch, err := runBuild("canary", build, c.Suffix)
	if err != nil {
		return err
	}
	_, err = c.Kube.AppsV1().Deployments(canary.TargetNamespace).Patch(ctx, canaryGuide, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	return err
}

// AwaitCanaries waits until all canaries are of the newest revision and ready, and long enough for a run: they have shown that
// policies are enforced.
func (c *Cluster) AwaitCanaries(ctx context.Context) error {
	if err := c.AwaitRollout(ctx, canary.TargetNamespace, canaryGuide); err != nil {
		return err
	}
	// One node after another.
	return Poll(ctx, 4*time.Minute, func(ctx context.Context) error {
		for name, namespace := range canaries {
			d, err := c.Kube.AppsV1().DaemonSets(namespace).Get(ctx, name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if s := d.Status; s.ObservedGeneration < d.Generation || s.DesiredNumberScheduled == 0 ||
				s.UpdatedNumberScheduled != s.DesiredNumberScheduled || s.NumberReady != s.DesiredNumberScheduled {
				return fmt.Errorf("daemonset %s: %d of %d pods are new, %d ready", name, s.UpdatedNumberScheduled, s.DesiredNumberScheduled, s.NumberReady)
			}
		}
		proof, err := isolation.Look(ctx, c.Kube)
		if err == nil && proof.State != v1alpha1.IsolationProven {
			err = fmt.Errorf("isolation is %s: %s", proof.State, proof.Message)
		}
		return err
	})
}

// AwaitLeak waits until every fenced canary has found that something gets through.
func (c *Cluster) AwaitLeak(t *testing.T) {
	t.Helper()
	Until(t, 30*time.Second, func(ctx context.Context) error {
		fenced, err := c.Kube.AppsV1().DaemonSets(canary.Namespace).Get(ctx, "canary-fenced", metav1.GetOptions{})
		if err == nil && fenced.Status.NumberReady > 0 {
			err = fmt.Errorf("%d fenced canaries notice nothing", fenced.Status.NumberReady)
		}
		return err
	})
}

// EnforcePolicies starts or stops what enforces NetworkPolicies in the cluster, with flags of the harness.
func (c *Cluster) EnforcePolicies(ctx context.Context, enforce bool, flags ...string) error {
	command := "stop"
	if enforce {
		command = "start"
	}
	return c.command(ctx, "test/cluster/run.sh", append([]string{"netpol", command}, flags...)...)
}

// Program stops or starts a program of the cluster: kubelet, containerd or s3.
func (c *Cluster) Program(ctx context.Context, command, name string) error {
	return c.command(ctx, "test/cluster/run.sh", "program", command, name)
}

package integration

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/fence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// BenchmarkAnOrdinaryWrite tells what the fence costs those whom it does not concern: the time of a write of somebody else in
// an ordinary namespace. A dry run is a write without its store: of it the fence is the largest share.
func BenchmarkAnOrdinaryWrite(b *testing.B) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "ordinary"}, Spec: corev1.PodSpec{
		AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "a", Image: "a"}},
	}}
	pods := kube.CoreV1().Pods("default")
	dryRun := func(ctx context.Context) error {
		_, err := pods.Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	// A new cluster has no service account for a moment.
	if err := wait.PollUntilContextTimeout(b.Context(), poll, stepTimeout, true, func(ctx context.Context) (bool, error) { return dryRun(ctx) == nil, nil }); err != nil {
		b.Fatal(err)
	}
	b.Run("a pod", func(b *testing.B) {
		byTurns(b, 8, 100, func(ctx context.Context) error {
			_, err := pods.Create(ctx, pod, metav1.CreateOptions{})
			return err
		}, func(ctx context.Context) error {
			return pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		})
	})
	b.Run("a dry run", func(b *testing.B) { byTurns(b, 8, 100, dryRun, nil) })
}

// BenchmarkAmongManyNamespaces tells how long those writes of the controller take of which a policy looks at every namespace there is.
func BenchmarkAmongManyNamespaces(b *testing.B) {
	const many = 1500
	crowd(b, many)
	controller, err := as(theController)
	if err != nil {
		b.Fatal(err)
	}
	for name, do := range map[string]attempt{
		"a Restore": creates(restores, veleroNamespace, with(goodRestore, "{spec: {includedNamespaces: [crowd-0000, crowd-0001], namespaceMapping: {fence-production: null, shop-db: null, "+
			"crowd-0000: crowd-box, crowd-0001: crowd-absent}}}")),
		"a volume": patches(core("persistentvolumes"), "crowd", "{spec: {persistentVolumeReclaimPolicy: Retain}}"),
	} {
		b.Run(name, func(b *testing.B) {
			byTurns(b, 3, 10, func(ctx context.Context) error { return do.try(ctx, controller) }, nil)
		})
	}
}

// byTurns makes a write with the fence and without, by turns, undoes each, and reports how long it takes: medians, for a busy
// machine has moments in which nothing goes on. Those without stand on both sides of those
// with, so that what drifts counts for neither.
func byTurns(b *testing.B, turns, writes int, write, undo func(ctx context.Context) error) {
	b.Helper()
	measure := func(into []time.Duration) []time.Duration {
		for range writes {
			start := time.Now()
			if err := write(b.Context()); err != nil {
				b.Fatal(err)
			}
			into = append(into, time.Since(start))
			if undo == nil {
				continue
			}
			if err := undo(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return into
	}
	var with, without []time.Duration
	for b.Loop() {
		for range turns {
			measure(nil) // warm
			without = measure(without)
			putFence(b)
			measure(nil)
			with = measure(with)
			with = measure(with)
			removeFence(b)
			measure(nil)
			without = measure(without)
		}
	}
	fenced, bare := median(with), median(without)
	b.ReportMetric(float64(fenced)/float64(bare), "times-as-long")
	b.ReportMetric(float64((fenced - bare).Microseconds()), "µs-more")
	b.ReportMetric(fenced.Seconds(), "s-with-the-fence")
	b.ReportMetric(0, "ns/op")
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// crowd creates so many namespaces, a sandbox, and a volume of it.
func crowd(b *testing.B, many int) {
	b.Helper()
	all, err := parse([]byte(`
apiVersion: v1
kind: Namespace
metadata:
  name: crowd-box
  annotations: {kymaros.io/source-namespace: crowd-0000}
  labels: {kymaros.io/managed-by: kymaros, kymaros.io/run: 20260101-000000-abcdef}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: crowd}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, storageClassName: fence, hostPath: {path: /nowhere}, claimRef: {namespace: crowd-box, name: data}}
`))
	if err != nil {
		b.Fatal(err)
	}
	for i := range many {
		ns := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		ns.SetName(fmt.Sprintf("crowd-%04d", i))
		all = append(all, ns)
	}
	for _, o := range all {
		resource := objects.Resource(namespaces)
		if o.GetKind() == "PersistentVolume" {
			resource = objects.Resource(core("persistentvolumes"))
		}
		if _, err := resource.Create(b.Context(), o, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := resource.Delete(context.WithoutCancel(b.Context()), o.GetName(), metav1.DeleteOptions{}); err != nil {
				b.Error(err)
			}
		})
	}
	// The cluster puts something into each of them.
	err = wait.PollUntilContextTimeout(b.Context(), poll, runTimeout, true, func(ctx context.Context) (bool, error) {
		accounts, err := kube.CoreV1().ServiceAccounts("").List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=default"})
		return err == nil && len(accounts.Items) > many, err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLookAtTheFence tells how long the look before each run takes.
func BenchmarkLookAtTheFence(b *testing.B) {
	installFence(b)
	clients, err := as(theController)
	if err != nil {
		b.Fatal(err)
	}
	client, err := versioned.NewForConfig(configOf(theController))
	if err != nil {
		b.Fatal(err)
	}
	checker, err := fence.NewChecker(clients.kube, client, systemNamespace, veleroNamespace, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if problem, err := checker.Problem(context.WithoutCancel(b.Context())); err != nil || problem != "" {
			b.Fatal(problem, err)
		}
	}
}

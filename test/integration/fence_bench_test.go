package integration

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kymaros/kymaros/pkg/fence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
)

// BenchmarkAnOrdinaryWrite tells what the fence costs those whom it does not concern: the time of a write of somebody else in
// an ordinary namespace, with the fence and without, by turns.
func BenchmarkAnOrdinaryWrite(b *testing.B) {
	const turns, writes = 5, 200
	var with, without time.Duration
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "ordinary"}, Spec: corev1.PodSpec{
		AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "a", Image: "a"}},
	}}
	write := func(ctx context.Context) error {
		_, err := kube.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}
	measure := func() time.Duration {
		start := time.Now()
		for range writes {
			if err := write(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start)
	}
	// A new cluster has no service account for a moment.
	if err := wait.PollUntilContextTimeout(b.Context(), poll, stepTimeout, true, func(ctx context.Context) (bool, error) { return write(ctx) == nil, nil }); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		measure() // warm
		for range turns {
			without += measure()
			putFence(b)
			with += measure()
			removeFence(b)
		}
	}
	b.ReportMetric(float64(with)/float64(without), "times-as-long")
	b.ReportMetric(float64((with-without).Microseconds())/float64(b.N*turns*writes), "µs-more")
	b.ReportMetric(0, "ns/op")
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

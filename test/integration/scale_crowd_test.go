package integration

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What a cluster holds that is nobody's business here.
const (
	crowdPods, crowdSecrets, crowdConfigMaps = 20000, 5000, 5000
	crowdNamespaces                          = 50
	secretSize                               = 10 << 10 // bytes
)

// fillWithOthers fills namespaces of others.
func fillWithOthers(b *testing.B) {
	b.Helper()
	data := bytes.Repeat([]byte("x"), secretSize)
	ctx := b.Context()
	namespace := func(i int) string { return fmt.Sprintf("crowd-%d", i%crowdNamespaces) }
	for i := range crowdNamespaces {
		if _, err := kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace(i)}}, metav1.CreateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	each := func(n int, create func(meta metav1.ObjectMeta) error) {
		errs := make(chan error, 8)
		for part := range cap(errs) {
			go func() {
				for i := part; i < n; i += cap(errs) {
					if err := create(metav1.ObjectMeta{Namespace: namespace(i), Name: fmt.Sprintf("x-%d", i)}); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				b.Fatal(err)
			}
		}
	}
	each(crowdPods, func(meta metav1.ObjectMeta) error {
		_, err := kube.CoreV1().Pods(meta.Namespace).Create(ctx, &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "x", Image: "x"}}}}, metav1.CreateOptions{})
		return err
	})
	each(crowdSecrets, func(meta metav1.ObjectMeta) error {
		_, err := kube.CoreV1().Secrets(meta.Namespace).Create(ctx, &corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"x": data}}, metav1.CreateOptions{})
		return err
	})
	each(crowdConfigMaps, func(meta metav1.ObjectMeta) error {
		_, err := kube.CoreV1().ConfigMaps(meta.Namespace).Create(ctx, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"x": "x"}}, metav1.CreateOptions{})
		return err
	})
}

// idleTime is how long a process with nothing to do is watched.
const idleTime = time.Minute

// asksIdly returns how many requests the process makes, but for watches and its Lease, while nothing happens.
func asksIdly(through *proxy) int {
	plain := func(r *request) bool { return !r.watch && !isLease(r) }
	before := len(through.seen(plain))
	time.Sleep(idleTime)
	return len(through.seen(plain)) - before
}

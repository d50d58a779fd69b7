package dashboard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// fleetNamespaces is how many namespaces the tests of a fleet are spread over.
const fleetNamespaces = 50

// Fleet makes so many tests with so many reports each, and what each is of: a namespace with a volume, and a backup with the data of
// that. The tests are app-0 and so on, that of number i in namespace fleet-<i modulo 50>.
func (s *Stage) Fleet(ctx context.Context, tests, reports int, edits ...func(*v1alpha1.RestoreTest)) error {
	for i := range fleetNamespaces {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("fleet-%02d", i), Annotations: map[string]string{v1alpha1.AnnotationCoverage: "ignore: holds tests and reports"}}}
		if _, err := s.Kube.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	var workers sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, 16)
	for range cap(errs) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(tests); i = next.Add(1) - 1 {
				if err := s.oneOfFleet(ctx, int(i), reports, edits); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

func (s *Stage) oneOfFleet(ctx context.Context, i, reports int, edits []func(*v1alpha1.RestoreTest)) error {
	odd := []ending{rowsMissing, podsDown, emptyVolume, slow, notStarted}
	a := application{
		namespace: fmt.Sprintf("fleet-%02d", i%fleetNamespaces), name: "app-" + strconv.Itoa(i), nights: reports, target: 15 * time.Minute,
		takes: 6 * time.Minute, volumes: 1, odd: nights(odd[i%len(odd)], 7+i%11),
	}
	if i%20 == 0 {
		a.odd[0] = odd[i/20%len(odd)]
	}
	a.sources = []string{a.name}
	now := time.Now()
	rt := a.test(now)
	for _, edit := range edits {
		edit(rt)
	}
	if err := s.PutTest(ctx, rt); err != nil {
		return err
	}
	for n := range reports {
		if err := s.PutReport(ctx, a.report(now, n)); err != nil {
			return err
		}
	}
	well := a // what is there does not depend on how its last run ended
	well.odd = nil
	last := well.report(now, 0)
	var claims []string
	for _, v := range last.Status.Volumes {
		claims = append(claims, v.Claim)
	}
	if err := s.source(ctx, a.name, "", claims); err != nil {
		return err
	}
	if err := s.held(ctx, &a, last); err != nil {
		return err
	}
	return s.backup(ctx, a.backup(0), a.sources, *last.Status.Backup.StartedAt)
}

package cached

import (
	"context"
	"testing"
	"time"

	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	versionedfake "github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
	"github.com/kymaros/kymaros/pkg/server/clustertest"
)

// slow is an informer of which the rows are read when somebody lets them be.
type slow struct {
	cache.SharedIndexInformer
	reading chan<- struct{}
	letBe   <-chan struct{}
}

func (s slow) GetStore() cache.Store { return slowStore{s.SharedIndexInformer.GetStore(), s} }

type slowStore struct {
	cache.Store
	of slow
}

func (s slowStore) List() []any {
	s.of.reading <- struct{}{}
	<-s.of.letBe
	return s.Store.List()
}

// TestWhoAsksAfterAChangeSeesIt, also while the rows are put in order for somebody else who asked before: who was told of a change asks at
// once, and is not told again.
func TestWhoAsksAfterAChangeSeesIt(t *testing.T) {
	client := versionedfake.NewClientset(clustertest.NewReport("team-a", "old", "shop", v1alpha1.ResultPass, 90, time.Hour))
	told := make(chan struct{}, 1)
	s, err := NewStore(client, nil, "", func(error) {}, func(any, any) { told <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	defer func() { <-ended }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { defer close(ended); s.Run(ctx) }()
	for !s.Ready() {
		time.Sleep(time.Millisecond)
	}
	must(t, "reports at first", len(s.View().Reports), 1)
	reading, letBe := make(chan struct{}), make(chan struct{})
	s.reports = slow{s.reports, reading, letBe}
	if err := client.Tracker().Add(clustertest.NewReport("team-a", "new", "shop", v1alpha1.ResultPass, 91, 0)); err != nil {
		t.Fatal(err)
	}
	<-told
	ask := func() <-chan int {
		n := make(chan int, 1)
		go func() { n <- len(s.View().Reports) }()
		return n
	}
	first := ask()
	<-reading
	second := ask()
	select {
	case n := <-second:
		t.Errorf("who asks while the rows are read sees %d reports, and is not told of another", n)
		second = ask()
	case <-time.After(100 * time.Millisecond): // it waits for them
	}
	close(letBe)
	must(t, "reports for who asked first", <-first, 2)
	must(t, "reports for who asked second", <-second, 2)
}

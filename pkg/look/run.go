package look

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"
)

// parallel is how many requests one look has under way at a time: all of a test of one namespace. A list that is to be the newest may
// take the API server a tenth of a second of waiting for etcd, whatever there is in it.
const parallel = 32

// Request is one list, or one object.
type Request struct {
	// what says which, topics what cannot be told if it fails.
	what   string
	topics []Topic
	// decided: that it is forbidden is somebody's decision about Secrets, and leaves the rest of topics standing.
	decided bool
	do      func(context.Context) error
}

// Do makes all requests, and returns the errors that may not come again. What could not be read is noted in the order of the requests.
func (l *Look) Do(ctx context.Context, requests ...Request) error {
	failed := make([]error, len(requests))
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	for i, r := range requests {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			failed[i] = r.do(ctx)
		})
	}
	wg.Wait()
	var again []error
	for i, err := range failed {
		if err == nil {
			continue
		}
		topics := requests[i].topics
		if requests[i].decided && apierrors.IsForbidden(err) {
			topics = []Topic{Secrets}
		}
		again = append(again, l.Unread.Failed(requests[i].what, err, topics...))
	}
	return errors.Join(again...)
}

// list is one page of a list.
type list func(context.Context, metav1.ListOptions) (runtime.Object, error)

// as returns the List of a client as a list.
func as[L runtime.Object](of func(context.Context, metav1.ListOptions) (L, error)) list {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return of(ctx, o) }
}

// short is the list in short pages.
func (of list) short() list {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		o.Limit = min(o.Limit, 20)
		return of(ctx, o)
	}
}

// at is the list as of a version: "0" is whatever the API server's cache has, "" the newest state.
func (of list) at(version string) list {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		if o.Continue == "" {
			o.ResourceVersion = version
		}
		return of(ctx, o)
	}
}

// labelled is the list of what a selector selects.
func (of list) labelled(selector string) list {
	return func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		o.LabelSelector = selector
		return of(ctx, o)
	}
}

// each hands every item of a list to do, page by page.
func each[T any](ctx context.Context, of list, do func(T)) error {
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (page runtime.Object, err error) {
		err = tried(ctx, func() error { page, err = of(ctx, o); return err })
		return page, err
	})
	return pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		item, ok := o.(T)
		if !ok {
			return fmt.Errorf("unexpected %T in a list", o)
		}
		do(item)
		return nil
	})
}

// hiccup is how a request that failed is tried again. A look makes dozens, and one that is lost would have it begin anew.
var hiccup = wait.Backoff{Steps: 3, Duration: 100 * time.Millisecond, Factor: 3, Jitter: 0.1}

// tried does one request, again if it may succeed a moment later.
func tried(ctx context.Context, request func() error) error {
	return retry.OnError(hiccup, func(err error) bool {
		return ctx.Err() == nil && !apierrors.IsForbidden(err) && !apierrors.IsNotFound(err) && !apierrors.IsResourceExpired(err)
	}, request)
}

package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/evidence"
	informers "github.com/kymaros/kymaros/pkg/generated/informers/externalversions/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/metrics"
)

// Name is under what the archive is seen by the API server.
const Name = "kymaros-archive"

const (
	// Workers is how many reports are written at a time.
	Workers = 4
	// cleanupWithin is how long a report without what cleanup writes into it waits for that. One that gets it later is archived
	// without, and told to differ.
	cleanupWithin = 24 * time.Hour
)

// Controller writes reports into a sink.
type Controller struct {
	reports cache.Indexer
	raw     rest.Interface
	sink    Sink
	runner  controller.Runner
	state   *state
	tries   tries

	preparing sync.Mutex
	prepared  bool

	mu    sync.Mutex
	books map[string]*book // by directory
}

// New returns the archive of the reports of an informer, whose transform is Row. raw asks for reports as they are stored. It fails if
// the informer runs already.
func New(ctx context.Context, reports informers.RestoreReportInformer, raw rest.Interface, sink Sink) (*Controller, error) {
	metrics.RegisterArchive()
	informer := reports.Informer()
	if err := informer.AddIndexers(cache.Indexers{byTest: testsOf}); err != nil {
		return nil, err
	}
	c := &Controller{reports: informer.GetIndexer(), raw: raw, sink: sink, state: newState(), books: map[string]*book{}}
	queue := controller.NewQueue(Name)
	logger := klog.FromContext(ctx)
	handler, err := informer.AddEventHandlerWithOptions(controller.Handler(queue, controller.Own), cache.HandlerOptions{Logger: &logger})
	if err != nil {
		return nil, err
	}
	c.runner = controller.Runner{Name: Name, Workers: Workers, Queue: queue, Sync: c.sync, Synced: []cache.DoneChecker{handler.HasSyncedChecker()}}
	return c, nil
}

// Run works until ctx ends. What is being written then is finished.
func (c *Controller) Run(ctx context.Context) { c.runner.Run(ctx) }

// Status tells how far the archive is behind.
func (c *Controller) Status() metrics.ArchiveStatus { return c.state.status() }

func (c *Controller) sync(ctx context.Context, key cache.ObjectName) (time.Duration, error) {
	obj, there, err := c.reports.GetByKey(key.String())
	if err != nil {
		return 0, err
	}
	r, _ := obj.(*row)
	switch {
	case !there:
		c.gone(ctx, key)
		return 0, nil
	case r == nil || r.test == "":
		return 0, nil // no report of a chain, or not yet
	}
	now := time.Now()
	if wait := c.tries.wait(key, now); wait > 0 {
		return wait, nil
	}
	wait, err := c.archive(ctx, r, now)
	if err == nil {
		return wait, nil
	}
	metrics.Archived(metrics.ArchiveFailed)
	wait = c.tries.failed(key, time.Now())
	klog.FromContext(ctx).Error(err, "A report is not archived yet, and tried again", "report", klog.KRef(key.Namespace, key.Name), "in", wait.Round(time.Millisecond))
	return wait, nil
}

// gone tells of a report that was removed before it was archived.
func (c *Controller) gone(ctx context.Context, key cache.ObjectName) {
	c.tries.done(key)
	if r := c.state.gone(key); r != nil {
		klog.FromContext(ctx).Error(nil, "A report was removed from the cluster before it was archived", "report", klog.KRef(key.Namespace, key.Name), "test", r.test, "sequence", r.sequence)
	}
}

// archive has the sink hold a report. It asks for another look after a positive duration.
func (c *Controller) archive(ctx context.Context, r *row, now time.Time) (time.Duration, error) {
	b, err := c.book(ctx, r, now)
	if err != nil {
		return 0, err
	}
	defer b.mu.Unlock()
	stem, key := stemOf(r), r.key()
	known := b.of[stem]
	if known != nil && (known.version == "" || known.version == r.version) {
		known.version = r.version
		c.state.settle(key, known.differs)
		return 0, nil
	}
	if known == nil {
		c.state.wait(r)
		if wait := r.completed.Add(cleanupWithin).Sub(now); !r.clean && wait > 0 {
			return wait, nil
		}
	}
	body, version, err := c.read(ctx, r)
	if err != nil {
		return 0, err
	}
	if body == nil { // gone, which brings another look, or no report of ours
		return 0, nil
	}
	name := nameOf(stem, body)
	if known == nil {
		if known, err = c.write(ctx, r, name, body); err != nil {
			return 0, err
		}
		b.of[stem] = known
	} else if known.differs = known.name != name; known.differs {
		metrics.Archived(metrics.ArchiveDiffers)
	}
	known.version = version
	if known.differs {
		klog.FromContext(ctx).Error(nil, "A report is another than what was archived of it, which stays as it is", "report", klog.KRef(r.namespace, r.name), "archived", dirOf(r)+"/"+known.name, "now", name)
	}
	c.tries.done(key)
	c.state.settle(key, known.differs)
	return 0, nil
}

// book returns what the sink has of the test of a report, with its lock held.
func (c *Controller) book(ctx context.Context, r *row, now time.Time) (*book, error) {
	dir := dirOf(r)
	c.mu.Lock()
	b := c.books[dir]
	if b == nil {
		b = &book{}
		c.books[dir] = b
	}
	c.mu.Unlock()
	b.mu.Lock()
	if b.loaded {
		return b, nil
	}
	lost, err := int64(0), c.prepare(ctx)
	if err == nil {
		lost, err = b.load(ctx, c.sink, dir, c.oldest(r))
	}
	c.state.sees(err == nil, now)
	if err != nil {
		b.mu.Unlock()
		return nil, err
	}
	c.state.lose(lost)
	return b, nil
}

func (c *Controller) prepare(ctx context.Context) error {
	c.preparing.Lock()
	defer c.preparing.Unlock()
	if c.prepared {
		return nil
	}
	err := c.sink.Prepare(ctx)
	c.prepared = err == nil
	return err
}

// oldest returns the lowest number of the reports of a test that the cluster has.
func (c *Controller) oldest(r *row) int64 {
	oldest := r.sequence
	all, err := c.reports.ByIndex(byTest, r.namespace+"/"+r.test)
	if err != nil {
		return oldest // there is that index
	}
	for _, obj := range all {
		if other, ok := obj.(*row); ok && other.cluster == r.cluster {
			oldest = min(oldest, other.sequence)
		}
	}
	return oldest
}

// read returns the bytes to archive of a report, as it is stored: what our types do not know counts too. They are nil if the report is
// gone, or not written by Kymaros.
func (c *Controller) read(ctx context.Context, r *row) (body []byte, version string, err error) {
	stored, err := c.raw.Get().Namespace(r.namespace).Resource("restorereports").Name(r.name).Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("get the report: %w", err)
	}
	var report v1alpha1.RestoreReport
	if err := json.Unmarshal(stored, &report); err != nil {
		return nil, "", err
	}
	if !controller.WroteReport(&report) {
		c.state.settle(r.key(), false)
		klog.FromContext(ctx).Info("Not archived: Kymaros did not write this report, or somebody else changed it", "report", klog.KRef(r.namespace, r.name))
		return nil, "", nil
	}
	var fields map[string]any
	if err := utiljson.Unmarshal(stored, &fields); err != nil {
		return nil, "", err
	}
	body, err = evidence.Canonical(evidence.Portable(fields))
	return body, report.ResourceVersion, err
}

// write writes an object. What is there already under its name is compared with it.
func (c *Controller) write(ctx context.Context, r *row, name string, body []byte) (*entry, error) {
	path := dirOf(r) + "/" + name
	err := c.sink.Put(ctx, path, body)
	switch {
	case err == nil:
		metrics.Archived(metrics.ArchiveWritten)
		return &entry{name: name}, nil
	case !errors.Is(err, ErrThere):
		return nil, err
	}
	there, err := c.sink.Get(ctx, path)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(there, body) {
		metrics.Archived(metrics.ArchiveDiffers)
		return &entry{differs: true}, nil
	}
	metrics.Archived(metrics.ArchiveThere)
	return &entry{name: name}, nil
}

package archive

import (
	"context"
	"slices"
	"sync"

	"k8s.io/klog/v2"
)

// entry is an object of the sink.
type entry struct {
	// name of it; empty for one that holds something else under the name that this one would have.
	name string
	// version of the report when it was found to be what is in the object; empty if a former process wrote it, whose word is taken.
	version string
	// differs: the report is another than what is in the object.
	differs bool
}

// book is what the sink is known to have of one test, from the oldest report on that the cluster has. Whoever reads or writes it, or
// the objects, holds mu: so no report of a test is written twice at a time.
type book struct {
	mu     sync.Mutex
	loaded bool
	of     map[string]*entry // by what begins the name
}

// load fills the book from the names of objects. It returns how many reports the sink lacks that the cluster has no more.
func (b *book) load(ctx context.Context, sink Sink, dir string, oldest int64) (lost int64, err error) {
	names, err := sink.List(ctx, dir, number(oldest-1))
	if err != nil {
		return 0, err
	}
	of, before := map[string]*entry{}, false
	for _, name := range names {
		stem, sequence, ok := parsed(name)
		if !ok {
			continue
		}
		of[stem], before = &entry{name: name}, before || sequence == oldest-1
	}
	if oldest > 1 && !before {
		if lost, err = b.gap(ctx, sink, dir, oldest); err != nil {
			return 0, err
		}
	}
	b.of, b.loaded = of, true
	return lost, nil
}

// gap returns how many reports are missing between the newest in the sink and the oldest in the cluster. An archive that has none yet
// begins where the cluster does.
func (b *book) gap(ctx context.Context, sink Sink, dir string, oldest int64) (int64, error) {
	names, err := sink.List(ctx, dir, "")
	if err != nil {
		return 0, err
	}
	for _, name := range slices.Backward(names) {
		if _, sequence, ok := parsed(name); ok && sequence < oldest {
			lost := oldest - 1 - sequence
			if lost > 0 {
				klog.FromContext(ctx).Error(nil, "Reports were removed from the cluster before they were archived", "in", dir, "from", sequence+1, "to", oldest-1)
			}
			return lost, nil
		}
	}
	return 0, nil
}

package controller

import (
	"fmt"
	"slices"

	"k8s.io/client-go/tools/cache"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/line"
)

// lineIndex is the index of RestoreTests by their part in the line: who looks for the few that are in it need not go through all.
const (
	lineIndex = "line"
	waits     = "waits"
	holds     = "holds"
)

// Line reads the line of runs out of a cache of RestoreTests.
type Line struct{ indexer cache.Indexer }

// NewLine returns the line of the informer's tests. It fails if the informer runs already.
func NewLine(informer cache.SharedIndexInformer) (Line, error) {
	if _, ok := informer.GetIndexer().GetIndexers()[lineIndex]; ok {
		return Line{informer.GetIndexer()}, nil
	}
	err := informer.AddIndexers(cache.Indexers{lineIndex: func(obj any) ([]string, error) {
		rt, ok := obj.(*v1alpha1.RestoreTest)
		switch {
		case !ok:
			return nil, fmt.Errorf("%T is no RestoreTest", obj)
		case line.Waits(rt):
			return []string{waits}, nil
		case line.Holds(rt):
			return []string{holds}, nil
		}
		return nil, nil
	}})
	return Line{informer.GetIndexer()}, err
}

// Waiting returns the tests whose run waits for its turn, the head of the line first.
func (l Line) Waiting() []*v1alpha1.RestoreTest { return line.Of(l.all(waits)) }

// Holding returns the tests whose run had its turn and needs Velero, in the order of the turns.
func (l Line) Holding() []*v1alpha1.RestoreTest {
	all := l.all(holds)
	slices.SortFunc(all, func(a, b *v1alpha1.RestoreTest) int {
		if n := a.Status.Run.StartTime.Compare(b.Status.Run.StartTime.Time); n != 0 {
			return n
		}
		return line.Compare(a, b)
	})
	return all
}

func (l Line) all(part string) []*v1alpha1.RestoreTest {
	objects, err := l.indexer.ByIndex(lineIndex, part)
	if err != nil {
		return nil // there is that index
	}
	tests := make([]*v1alpha1.RestoreTest, 0, len(objects))
	for _, o := range objects {
		tests = append(tests, o.(*v1alpha1.RestoreTest)) //nolint:forcetypeassert // nothing else is indexed
	}
	return tests
}

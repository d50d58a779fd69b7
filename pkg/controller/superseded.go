package controller

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// maxSuperseded is how many objects are remembered; each matters for the moment that an informer lags behind a write.
const maxSuperseded = 4096

// superseded remembers the versions on which something was written: a cache that still shows one is behind for certain, and what
// would be decided from it would only meet a conflict. The zero value is ready.
type superseded struct {
	mu       sync.Mutex
	versions map[types.UID]string
}

// written is of all writers of this process, which share the informer of RestoreTests.
var written superseded

func (s *superseded) add(o, written metav1.Object) {
	if o.GetUID() == "" || o.GetResourceVersion() == written.GetResourceVersion() {
		return // it was not read from a server, or nothing has changed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions == nil || len(s.versions) >= maxSuperseded {
		s.versions = map[types.UID]string{}
	}
	s.versions[o.GetUID()] = o.GetResourceVersion()
}

func (s *superseded) has(o metav1.Object) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	version, ok := s.versions[o.GetUID()]
	return ok && version == o.GetResourceVersion()
}

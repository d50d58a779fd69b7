package archive

import (
	"context"
	"errors"
)

// ErrThere is returned for an object whose name is taken.
var ErrThere = errors.New("there is an object of that name")

// Sink keeps objects by name. Names are paths with slashes, below whatever the sink is at.
type Sink interface {
	// Prepare returns why objects cannot be kept here, or not without being overwritten. It may be called again, and asks little.
	Prepare(ctx context.Context) error
	// List returns the names of the objects in a directory that come after a name, sorted; without the directory.
	List(ctx context.Context, dir, after string) ([]string, error)
	// Put writes an object, all of it or nothing. It returns ErrThere if there is one of that name, whatever is in it.
	Put(ctx context.Context, name string, body []byte) error
	// Get returns an object.
	Get(ctx context.Context, name string) ([]byte, error)
}

// Marker is the object that shows that a sink takes objects, and overwrites none.
const Marker = "kymaros-archive.txt"

// MarkerText is what is in it, for people.
const MarkerText = "Reports of restore tests that Kymaros wrote, a directory for each cluster by the UID of its namespace kube-system.\n" +
	"kubectl kymaros verify --from DIRECTORY --key pub.pem tells whether they are what was written, without a cluster.\n"

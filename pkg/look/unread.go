package look

import (
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/sets"
)

// Topic is something that a look tells.
type Topic int

// Topics.
const (
	Completeness Topic = iota
	Dependencies
	Volumes
	SideEffects
	// Secrets is what Secrets add to completeness and dependencies, where the controller may not read them.
	Secrets
)

// Unread is what could not be read, and why. The zero value is that of a look that read everything.
type Unread struct {
	why map[Topic]string
	// beside are errors that leave every topic standing.
	beside []string
	// faults are those of the errors that no right would have spared, sorted, and faulty the topics that they concern: of these
	// the run has learnt nothing.
	faults []string
	faulty sets.Set[Topic]
}

// Failed takes note of a request that failed, what says which, and of the topics that it leaves open. It returns the error if it
// may not come again: that something may not be read is somebody's decision.
func (u *Unread) Failed(what string, err error, topics ...Topic) error {
	err = fmt.Errorf("%s: %w", what, err)
	if len(topics) == 0 || topics[0] == Secrets {
		u.beside = append(u.beside, err.Error())
	}
	for _, t := range topics {
		u.Cannot(t, "could not be read: "+err.Error())
	}
	if apierrors.IsForbidden(err) {
		return nil
	}
	u.faults = append(u.faults, err.Error())
	slices.Sort(u.faults)
	u.faults = slices.Compact(u.faults)
	if u.faulty == nil {
		u.faulty = sets.New[Topic]()
	}
	u.faulty.Insert(topics...)
	return err
}

// Cannot notes why nothing can be told of a topic. What was noted first counts.
func (u *Unread) Cannot(t Topic, why string) {
	if u.why == nil {
		u.why = map[Topic]string{}
	}
	if u.why[t] == "" {
		u.why[t] = why
	}
}

// Why returns why nothing can be told of a topic; "" if it can.
func (u *Unread) Why(t Topic) string { return u.why[t] }

// Denied returns why nothing can be told of a topic, if not for a fault.
func (u *Unread) Denied(t Topic) string {
	if u.faulty.Has(t) {
		return ""
	}
	return u.why[t]
}

// Faulty tells whether a fault is why nothing can be told of a topic.
func (u *Unread) Faulty(t Topic) bool { return u.faulty.Has(t) }

// Faults returns the errors that no right would have spared, sorted.
func (u *Unread) Faults() []string { return u.faults }

// Beside returns the errors that leave every topic standing.
func (u *Unread) Beside() []string { return u.beside }

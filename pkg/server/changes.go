package server

import (
	"encoding/json"
	"sync"

	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/streams"
)

// gone tells that something is not there any more.
type gone struct {
	Resource  string `json:"resource"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// changeOf returns what streams tell when a row takes the place of another; nil stands for none. ok is false if lists tell nothing
// of either.
func changeOf(old, row any) (streams.Change, bool) {
	of := row
	if row == nil {
		of = old
	}
	c := streams.Change{}
	var k cached.Key
	var item func() any
	switch o := of.(type) {
	case *cached.Test:
		c.Resource, c.Event, k, item = tests, "test", o.Key, func() any { return o.Item() }
	case *cached.Report:
		c.Resource, c.Event, k, item = reports, "report", o.Key, func() any { return o.Item() }
	case *cached.Policy:
		c.Resource, c.Event, k, item = policies, "policy", o.Key, func() any { return o.Item() }
	default:
		return c, false
	}
	c.Namespace = k.Namespace
	if of != row {
		c.Event, item = "gone", func() any { return gone{c.Resource, k.Namespace, k.Name} }
	}
	c.Data = sync.OnceValue(func() []byte {
		text, err := json.Marshal(item())
		if err != nil { // texts and numbers only
			return []byte("{}")
		}
		return text
	})
	return c, true
}

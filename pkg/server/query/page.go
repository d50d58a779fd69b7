package query

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"

	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// MaxLimit of items is what one answer holds. Routes whose answer is a bare list begin with as many: their older callers know
	// no pages.
	MaxLimit = 1000
	// DefaultLimit of items is what a page holds if the request does not say.
	DefaultLimit = 100
)

// Position is where a row stands: by rank, then by namespace and name. No two rows stand at one place, so that pages neither
// repeat nor leave out what was there when the first was asked for.
type Position struct {
	Rank int64
	Key  cached.Key
}

// Compare orders as a list is.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Rank, other.Rank), p.Key.Compare(&other.Key))
}

// cursor is the position of the last row of a page, in an order. It holds nothing that was not in that page.
type cursor struct {
	Order     string `json:"o"`
	Rank      int64  `json:"r"`
	Namespace string `json:"ns"`
	Name      string `json:"n"`
}

// Page is which part of a list is asked for.
type Page struct {
	limit int
	order string
	after *cursor
}

// Page reads limit, which is otherwise if it is not given, and continue. order is the sort that the request is for.
func (q *Parameters) Page(order string, otherwise int) (Page, error) {
	limit, err := q.Number("limit", otherwise, MaxLimit)
	if err != nil {
		return Page{}, err
	}
	p := Page{limit: limit, order: order}
	if !q.Values.Has("continue") {
		return p, nil
	}
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(q.Text("continue"))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return Page{}, problem.Wrong("continue", "must be what an answer before gave for the next page")
	}
	if c.Order != order {
		return Page{}, problem.Wrong("continue", "is of a list in another order: begin anew without it")
	}
	p.after = &c
	return p, nil
}

// PageOf returns the rows of the page and the cursor of the next; "" if there is none. rows are in order.
func PageOf[R any](p Page, rows []R, at func(R) Position) (items []R, next string) {
	if p.after != nil {
		after := Position{p.after.Rank, cached.Key{Namespace: p.after.Namespace, Name: p.after.Name}}
		i, found := slices.BinarySearchFunc(rows, after, func(row R, after Position) int { return at(row).Compare(after) })
		if found {
			i++
		}
		rows = rows[i:]
	}
	if len(rows) <= p.limit {
		return rows, ""
	}
	rows = rows[:p.limit]
	last := at(rows[len(rows)-1])
	text, err := json.Marshal(cursor{p.order, last.Rank, last.Key.Namespace, last.Key.Name})
	if err != nil {
		return rows, ""
	}
	return rows, base64.RawURLEncoding.EncodeToString(text)
}

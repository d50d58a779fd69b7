package server

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kymaros/kymaros/pkg/server/cached"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const (
	// maxLimit of items is what one answer holds. Routes whose answer is a bare list begin with as many: their older callers know
	// no pages.
	maxLimit     = 1000
	defaultLimit = 100
)

// query are the parameters of a request.
type query struct{ values url.Values }

// newQuery refuses parameters that the route does not know: a filter that is mistyped would tell of everything.
func newQuery(raw string, known []string) (*query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the query cannot be read: write it as name=value&name=value")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case !slices.Contains(known, name):
			if len(known) == 0 {
				return nil, problem.Wrong(name, "this address takes no parameters")
			}
			return nil, problem.Wrong(name, "this address takes %s only", strings.Join(known, ", "))
		case len(values[name]) > 1:
			return nil, problem.Wrong(name, "is given more than once")
		case len(values[name][0]) > 2048:
			return nil, problem.Wrong(name, "is longer than 2048 characters")
		}
	}
	return &query{values}, nil
}

func (q *query) text(name string) string { return q.values.Get(name) }

// number returns otherwise if the parameter is not given.
func (q *query) number(name string, otherwise, most int) (int, error) {
	if !q.values.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.text(name))
	if err != nil || n < 1 || n > most {
		return 0, problem.Wrong(name, "must be a number from 1 to %d", most)
	}
	return n, nil
}

func (q *query) flag(name string) (bool, error) {
	switch q.text(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, problem.Wrong(name, "must be true or false")
}

// oneOf returns "" if the parameter is not given.
func (q *query) oneOf(name string, values ...string) (string, error) {
	v := q.text(name)
	if v != "" && !slices.Contains(values, v) {
		return "", problem.Wrong(name, "must be one of %s", strings.Join(values, ", "))
	}
	return v, nil
}

func checkNamespace(field, name string) error {
	if len(validation.IsDNS1123Label(name)) > 0 {
		return problem.Wrong(field, "must be the name of a namespace: lower case letters, digits and -, at most 63 of them")
	}
	return nil
}

func checkName(field, name string) error {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return problem.Wrong(field, "must be the name of an object: lower case letters, digits, - and ., at most 253 of them")
	}
	return nil
}

// position is where a row stands: by rank, then by namespace and name. No two rows stand at one place, so that pages neither
// repeat nor leave out what was there when the first was asked for.
type position struct {
	rank int64
	key  cached.Key
}

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(p.rank, other.rank), p.key.Compare(&other.key))
}

// cursor is the position of the last row of a page, in an order. It holds nothing that was not in that page.
type cursor struct {
	Order     string `json:"o"`
	Rank      int64  `json:"r"`
	Namespace string `json:"ns"`
	Name      string `json:"n"`
}

// page is which part of a list is asked for.
type page struct {
	limit int
	order string
	after *cursor
}

// page reads limit and continue. order is the sort that the request is for.
func (q *query) page(order string, otherwise int) (page, error) {
	limit, err := q.number("limit", otherwise, maxLimit)
	if err != nil {
		return page{}, err
	}
	p := page{limit: limit, order: order}
	if !q.values.Has("continue") {
		return p, nil
	}
	var c cursor
	text, err := base64.RawURLEncoding.DecodeString(q.text("continue"))
	if err != nil || json.Unmarshal(text, &c) != nil {
		return page{}, problem.Wrong("continue", "must be what an answer before gave for the next page")
	}
	if c.Order != order {
		return page{}, problem.Wrong("continue", "is of a list in another order: begin anew without it")
	}
	p.after = &c
	return p, nil
}

// pageOf returns the rows of the page and the cursor of the next; "" if there is none. rows are in order.
func pageOf[R any](p page, rows []R, at func(R) position) (items []R, next string) {
	if p.after != nil {
		after := position{p.after.Rank, cached.Key{Namespace: p.after.Namespace, Name: p.after.Name}}
		i, found := slices.BinarySearchFunc(rows, after, func(row R, after position) int { return at(row).compare(after) })
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
	text, err := json.Marshal(cursor{p.order, last.rank, last.key.Namespace, last.key.Name})
	if err != nil {
		return rows, ""
	}
	return rows, base64.RawURLEncoding.EncodeToString(text)
}

package query

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

// Parameters are the parameters of a request.
type Parameters struct{ Values url.Values }

// Parse refuses parameters that the route does not know: a filter that is mistyped would tell of everything.
func Parse(raw string, known []string) (*Parameters, error) {
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
	return &Parameters{values}, nil
}

// Text returns "" if the parameter is not given.
func (q *Parameters) Text(name string) string { return q.Values.Get(name) }

// Number is from 1 to most; otherwise if the parameter is not given.
func (q *Parameters) Number(name string, otherwise, most int) (int, error) {
	if !q.Values.Has(name) {
		return otherwise, nil
	}
	n, err := strconv.Atoi(q.Text(name))
	if err != nil || n < 1 || n > most {
		return 0, problem.Wrong(name, "must be a number from 1 to %d", most)
	}
	return n, nil
}

// Flag returns false if the parameter is not given.
func (q *Parameters) Flag(name string) (bool, error) {
	switch q.Text(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, problem.Wrong(name, "must be true or false")
}

// OneOf returns "" if the parameter is not given.
func (q *Parameters) OneOf(name string, values ...string) (string, error) {
	v := q.Text(name)
	if v != "" && !slices.Contains(values, v) {
		return "", problem.Wrong(name, "must be one of %s", strings.Join(values, ", "))
	}
	return v, nil
}

// CheckNamespace returns a problem of a field whose text cannot be the name of a namespace.
func CheckNamespace(field, name string) error {
	if len(validation.IsDNS1123Label(name)) > 0 {
		return problem.Wrong(field, "must be the name of a namespace: lower case letters, digits and -, at most 63 of them")
	}
	return nil
}

// CheckName returns a problem of a field whose text cannot be the name of an object.
func CheckName(field, name string) error {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return problem.Wrong(field, "must be the name of an object: lower case letters, digits, - and ., at most 253 of them")
	}
	return nil
}

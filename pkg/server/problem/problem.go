// Package problem is what callers of the API are told when they do not get what they asked for: problem documents, as RFC 9457
// has them.
package problem

import (
	"fmt"
	"net/http"
)

// Error is an answer that is an error. It tells nothing that the caller may not see, nor what the API server said: that may name
// objects of others.
type Error struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Fault is Detail once more, where older clients look for it.
	Fault string `json:"error"`
	// Field is the parameter that is wrong.
	Field string `json:"field,omitempty"`
	// Right is what the caller lacks.
	Right string `json:"right,omitempty"`
	// Namespaces are those to choose from, where a name alone says too little.
	Namespaces []string `json:"namespaces,omitempty"`
	// RetryAfter is how many seconds to wait, which a header says; 0: not said.
	RetryAfter int `json:"-"`
}

// Error returns the detail.
func (p *Error) Error() string { return p.Detail }

// New returns a problem with an HTTP status, whose detail is made like a text of fmt.Sprintf.
func New(status int, format string, args ...any) *Error {
	detail := fmt.Sprintf(format, args...)
	return &Error{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Fault: detail}
}

// Wrong is about a parameter, or a field of the body, of the caller's.
func Wrong(field, format string, args ...any) *Error {
	p := New(http.StatusBadRequest, "%s: %s", field, fmt.Sprintf(format, args...))
	p.Field = field
	return p
}

// NotFound says that there is no object of a kind; without a namespace, that there is none in those that the caller may see.
func NotFound(kind, namespace, name string) *Error {
	if namespace == "" {
		return New(http.StatusNotFound, "there is no %s %q that you may see", kind, name)
	}
	return New(http.StatusNotFound, "there is no %s %q in namespace %s", kind, name, namespace)
}

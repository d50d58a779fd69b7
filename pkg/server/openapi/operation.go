package openapi

import (
	"cmp"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Operation is what may be asked for at an address.
type Operation struct {
	// Method and Path as http.ServeMux takes them; a segment {name} is a parameter.
	Method, Path string
	// Params are the names of those of the query.
	Params []string
	// Tells says what it is for.
	Tells string
	// Body and Answers are values of the types that are taken and given, as JSON; nil: none.
	Body, Answers any
	// Status of an answer; 0: 200.
	Status int
	// Streams: the answer is a stream of server-sent events.
	Streams bool
	// Open: it is answered without a token too, and never with a problem.
	Open bool
}

// describe returns an operation of an API, and adds to all what it refers to.
func (o *Operation) describe(api *API, all schemas) (Schema, error) {
	var takes []Schema
	for segment := range strings.SplitSeq(o.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			takes = append(takes, parameter(strings.TrimSuffix(name, "}"), "path", api.Parameters))
		}
	}
	for _, name := range slices.Sorted(slices.Values(o.Params)) {
		takes = append(takes, parameter(name, "query", api.Parameters))
	}
	described := Schema{"operationId": o.id(api.Prefix), "summary": o.Tells}
	if len(takes) > 0 {
		described["parameters"] = takes
	}
	if o.Body != nil {
		body, err := all.of(reflect.TypeOf(o.Body))
		if err != nil {
			return nil, err
		}
		described["requestBody"] = Schema{"required": true, "content": Schema{"application/json": Schema{"schema": body}}}
	}
	answer := Schema{"description": o.Tells}
	switch {
	case o.Streams:
		answer["content"] = Schema{"text/event-stream": Schema{"schema": Schema{"type": "string"}}}
	case o.Answers != nil:
		body, err := all.of(reflect.TypeOf(o.Answers))
		if err != nil {
			return nil, err
		}
		answer["content"] = Schema{"application/json": Schema{"schema": body}}
	}
	responses := Schema{strconv.Itoa(cmp.Or(o.Status, http.StatusOK)): answer}
	if o.Method == http.MethodGet && !o.Streams {
		responses["304"] = Schema{"description": "what the caller has, by If-None-Match, is what there is"}
	}
	described["responses"] = responses
	return described, nil
}

func parameter(name, in string, parameters map[string]Schema) Schema {
	kind := maps.Clone(parameters[name])
	p := Schema{"name": name, "in": in, "schema": kind}
	if text, ok := kind["description"]; ok {
		p["description"] = text
		delete(kind, "description")
	}
	if in == "path" {
		p["required"] = true
	}
	return p
}

// id is a name for programs that are generated: getTestsByName for GET /tests/{name}.
func (o *Operation) id(prefix string) string {
	var id strings.Builder
	id.WriteString(strings.ToLower(o.Method))
	for segment := range strings.SplitSeq(strings.TrimPrefix(o.Path, prefix), "/") {
		by := ""
		if strings.HasPrefix(segment, "{") {
			by, segment = "By", strings.Trim(segment, "{}")
		}
		id.WriteString(by + strings.ToUpper(segment[:1]) + segment[1:])
	}
	return id.String()
}

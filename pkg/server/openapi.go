package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

const reportPattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"

// parameters are all that some operation takes, in the path or in the query.
var parameters = map[string]shape{
	"after":     {"type": "string", "pattern": reportPattern, "description": "namespace/name of the later report"},
	"before":    {"type": "string", "pattern": reportPattern, "description": "namespace/name of the earlier report"},
	"continue":  {"type": "string", "description": "what the page before gave for the next"},
	"days":      {"type": "integer", "minimum": 1, "maximum": 3650, "description": "how far back, in days"},
	"hours":     {"type": "integer", "minimum": 1, "maximum": 24 * 366, "description": "how far back, in hours"},
	"latest":    {"type": "boolean", "description": "only the newest report of each test"},
	"limit":     {"type": "integer", "minimum": 1, "maximum": maxLimit, "description": "items of a page at most"},
	"maxAge":    {"type": "string", "pattern": "^([0-9]+(\\.[0-9]+)?(ms|h|m|s))+$", "description": "how long ago a proof may be, such as 48h"},
	"name":      {"type": "string", "maxLength": 253, "description": "name of the object"},
	"namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63, "description": "only of this namespace"},
	"phase":     {"type": "string", "enum": []string{"Idle", "Queued", "Running", "Completed", "Failed"}},
	"q":         {"type": "string", "maxLength": 2048, "description": "part of namespace/name"},
	"result":    {"type": "string", "enum": []string{"pass", "partial", "fail", "inconclusive", never}},
	"sort":      {"type": "string", "pattern": "^(name|-?(score|lastRunAt|nextRunAt|result))$", "description": "with - from the highest"},
	"state":     {"type": "string", "enum": stateNames()},
	"test":      {"type": "string", "maxLength": 253, "description": "only reports of the test of this name"},
}

// problemError gives problems their name in the document.
type problemError struct{ problem.Error }

// document returns the OpenAPI document of the operations. It fails only by a mistake in this program.
func document(operations []operation) ([]byte, error) {
	all := schemas{}
	paths := map[string]shape{}
	told, err := all.of(reflect.TypeFor[problemError]())
	if err != nil {
		return nil, err
	}
	complaint := shape{"description": "what is wrong", "content": shape{"application/problem+json": shape{"schema": told}}}
	for _, o := range operations {
		described, err := o.describe(all)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.method, o.path, err)
		}
		described["responses"].(shape)["default"] = complaint
		if paths[o.path] == nil {
			paths[o.path] = shape{}
		}
		paths[o.path][strings.ToLower(o.method)] = described
	}
	open := operation{method: get, path: "/api/v1/health", tells: "that this program answers; with a token more", answers: health{}}
	described, err := open.describe(all)
	if err != nil {
		return nil, err
	}
	described["security"] = []shape{{}, {"token": []string{}}}
	paths[open.path] = shape{"get": described}
	for _, s := range all {
		delete(s, "x-go-type")
	}
	text, err := json.MarshalIndent(shape{
		"openapi": "3.1.0",
		"info": shape{
			"title": "kymaros-api", "version": "v1",
			"description": "Restore tests and their reports, as far as the caller may see them. Errors are RFC 9457 problem documents.",
		},
		"security": []shape{{"token": []string{}}, {"session": []string{}}},
		"paths":    paths,
		"components": shape{
			"schemas": all,
			"securitySchemes": shape{
				"token":   shape{"type": "http", "scheme": "bearer", "description": "a token that the API server takes, or one for audience " + caller.Audience},
				"session": shape{"type": "apiKey", "in": "cookie", "name": caller.Cookie, "description": "made by POST " + sessionPath + "; what changes something takes the header " + caller.Header + " besides"},
			},
		},
	}, "", "  ")
	return append(text, '\n'), err
}

// describe returns one operation.
func (o *operation) describe(all schemas) (shape, error) {
	var takes []shape
	for segment := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			takes = append(takes, parameter(strings.TrimSuffix(name, "}"), "path"))
		}
	}
	for _, name := range slices.Sorted(slices.Values(o.params)) {
		takes = append(takes, parameter(name, "query"))
	}
	described := shape{"operationId": o.id(), "summary": o.tells}
	if len(takes) > 0 {
		described["parameters"] = takes
	}
	if o.body != nil {
		body, err := all.of(reflect.TypeOf(o.body))
		if err != nil {
			return nil, err
		}
		described["requestBody"] = shape{"required": true, "content": shape{"application/json": shape{"schema": body}}}
	}
	answer := shape{"description": o.tells}
	switch {
	case o.path == watchPath:
		answer["content"] = shape{"text/event-stream": shape{"schema": shape{"type": "string"}}}
	case o.answers != nil:
		body, err := all.of(reflect.TypeOf(o.answers))
		if err != nil {
			return nil, err
		}
		answer["content"] = shape{"application/json": shape{"schema": body}}
	}
	responses := shape{strconv.Itoa(o.code()): answer}
	if o.method == http.MethodGet && o.path != watchPath {
		responses["304"] = shape{"description": "what the caller has, by If-None-Match, is what there is"}
	}
	described["responses"] = responses
	return described, nil
}

func parameter(name, in string) shape {
	kind := maps.Clone(parameters[name])
	p := shape{"name": name, "in": in, "schema": kind}
	if text, ok := kind["description"]; ok {
		p["description"] = text
		delete(kind, "description")
	}
	if in == "path" {
		p["required"] = true
	}
	return p
}

// id is a name for programs that are generated: getApiV1TestsByName without what all have in common.
func (o *operation) id() string {
	var id strings.Builder
	id.WriteString(strings.ToLower(o.method))
	for segment := range strings.SplitSeq(strings.TrimPrefix(o.path, "/api/v1/"), "/") {
		by := ""
		if strings.HasPrefix(segment, "{") {
			by, segment = "By", strings.Trim(segment, "{}")
		}
		id.WriteString(by + strings.ToUpper(segment[:1]) + segment[1:])
	}
	return id.String()
}

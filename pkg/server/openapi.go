package server

import (
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/openapi"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

const reportPattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?/[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"

// parameters are all that some operation takes, in the path or in the query.
var parameters = map[string]openapi.Schema{
	"after":     {"type": "string", "pattern": reportPattern, "description": "namespace/name of the later report"},
	"before":    {"type": "string", "pattern": reportPattern, "description": "namespace/name of the earlier report"},
	"continue":  {"type": "string", "description": "what the page before gave for the next"},
	"days":      {"type": "integer", "minimum": 1, "maximum": 3650, "description": "how far back, in days"},
	"hours":     {"type": "integer", "minimum": 1, "maximum": 24 * 366, "description": "how far back, in hours"},
	"latest":    {"type": "boolean", "description": "only the newest report of each test"},
	"limit":     {"type": "integer", "minimum": 1, "maximum": query.MaxLimit, "description": "items of a page at most"},
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
	api := openapi.API{
		Title: "kymaros-api", Version: "v1",
		Description: "Restore tests and their reports, as far as the caller may see them. Errors are RFC 9457 problem documents.",
		Prefix:      "/api/v1/",
		Operations: []openapi.Operation{
			{Method: get, Path: "/api/v1/health", Tells: "that this program answers; with a token more", Answers: health{}, Open: true},
		},
		Parameters: parameters, Problem: problemError{},
		Credentials: []openapi.Credential{
			{Name: "token", Scheme: openapi.Schema{"type": "http", "scheme": "bearer", "description": "a token that the API server takes, or one for audience " + caller.Audience}},
			{Name: "session", Scheme: openapi.Schema{"type": "apiKey", "in": "cookie", "name": caller.Cookie, "description": "made by POST " + sessionPath + "; what changes something takes the header " + caller.Header + " besides"}},
		},
	}
	for _, o := range operations {
		api.Operations = append(api.Operations, openapi.Operation{
			Method: o.method, Path: o.path, Params: o.params, Tells: o.tells, Body: o.body, Answers: o.answers, Status: o.status, Streams: o.path == watchPath,
		})
	}
	return api.Document()
}

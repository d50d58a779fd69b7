// Package openapi writes the OpenAPI 3.1 document of an API of JSON over HTTP: of its operations, and of the Go types that they take and
// give, by the same rules by which encoding/json writes them. It is pure, and knows nothing of what it describes.
package openapi

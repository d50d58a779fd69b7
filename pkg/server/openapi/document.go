package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// API is what a document describes.
type API struct {
	Title, Version, Description string
	// Prefix is what all paths have in common, which is not in the names of operations.
	Prefix     string
	Operations []Operation
	// Parameters are all that some operation takes, in the path or in the query, by name.
	Parameters map[string]Schema
	// Problem is a value of the type of answers that are errors.
	Problem any
	// Credentials are the ways in which a caller can say who they are: one of them is enough. The first is for open operations too.
	Credentials []Credential
}

// Credential is a security scheme, with its name in the document.
type Credential struct {
	Name   string
	Scheme Schema
}

// Document returns the document, as JSON in lines. The error is of a type that has no schema, or that shares its name with another.
func (a *API) Document() ([]byte, error) {
	all := schemas{}
	paths := map[string]Schema{}
	told, err := all.of(reflect.TypeOf(a.Problem))
	if err != nil {
		return nil, err
	}
	complaint := Schema{"description": "what is wrong", "content": Schema{"application/problem+json": Schema{"schema": told}}}
	var needed []Schema
	schemes := Schema{}
	for _, c := range a.Credentials {
		schemes[c.Name] = c.Scheme
		needed = append(needed, Schema{c.Name: []string{}})
	}
	for _, o := range a.Operations {
		described, err := o.describe(a, all)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.Method, o.Path, err)
		}
		if o.Open {
			described["security"] = append([]Schema{{}}, needed[:min(1, len(needed))]...)
		} else {
			described["responses"].(Schema)["default"] = complaint
		}
		if paths[o.Path] == nil {
			paths[o.Path] = Schema{}
		}
		paths[o.Path][strings.ToLower(o.Method)] = described
	}
	for _, s := range all {
		delete(s, "x-go-type")
	}
	text, err := json.MarshalIndent(Schema{
		"openapi":    "3.1.0",
		"info":       Schema{"title": a.Title, "version": a.Version, "description": a.Description},
		"security":   needed,
		"paths":      paths,
		"components": Schema{"schemas": all, "securitySchemes": schemes},
	}, "", "  ")
	return append(text, '\n'), err
}

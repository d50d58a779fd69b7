package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Schema is a JSON Schema, or another object of a document, as OpenAPI 3.1 has it.
type Schema map[string]any

// schemas makes schemas of Go types, by the same rules by which encoding/json writes them.
type schemas map[string]Schema

var (
	timeTypes  = map[reflect.Type]bool{reflect.TypeFor[time.Time](): true, reflect.TypeFor[metav1.Time](): true, reflect.TypeFor[metav1.MicroTime](): true}
	marshalers = reflect.TypeFor[json.Marshaler]()
)

// of returns the schema of a type. Structs with a name get one of that name, which is referred to.
func (all schemas) of(t reflect.Type) (Schema, error) {
	switch {
	case timeTypes[t]:
		return Schema{"type": []string{"string", "null"}, "format": "date-time"}, nil
	case t == reflect.TypeFor[metav1.FieldsV1](), t == reflect.TypeFor[map[string]any]():
		return Schema{"type": "object"}, nil
	case t.Kind() == reflect.Pointer:
		return all.of(t.Elem())
	case t.Implements(marshalers) || reflect.PointerTo(t).Implements(marshalers):
		return nil, fmt.Errorf("%s writes itself as JSON: say in schemas.of what it looks like", t)
	}
	switch t.Kind() { //nolint:exhaustive // the rest has no schema
	case reflect.String:
		return Schema{"type": "string"}, nil
	case reflect.Bool:
		return Schema{"type": "boolean"}, nil
	case reflect.Int, reflect.Int32, reflect.Int64:
		return Schema{"type": "integer"}, nil
	case reflect.Float64:
		return Schema{"type": "number"}, nil
	case reflect.Slice:
		items, err := all.of(t.Elem())
		return Schema{"type": "array", "items": items}, err
	case reflect.Map:
		values, err := all.of(t.Elem())
		return Schema{"type": "object", "additionalProperties": values}, err
	case reflect.Struct:
		return all.object(t)
	}
	return nil, fmt.Errorf("there is no schema for %s", t)
}

func (all schemas) object(t reflect.Type) (Schema, error) {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	ref := Schema{"$ref": "#/components/schemas/" + name}
	if known, ok := all[name]; ok {
		if known["x-go-type"] != t.String() {
			return nil, fmt.Errorf("%v and %s are both called %s: rename one", known["x-go-type"], t, name)
		}
		return ref, nil
	}
	properties := Schema{}
	object := Schema{"type": "object", "properties": properties, "x-go-type": t.String()}
	all[name] = object
	required := []string{}
	if err := all.fields(t, properties, &required); err != nil {
		return nil, err
	}
	if len(required) > 0 {
		object["required"] = required
	}
	return ref, nil
}

// fields adds those of a struct, and of those that are embedded in it.
func (all schemas) fields(t reflect.Type, properties Schema, required *[]string) error {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-", !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "":
			embedded := f.Type
			optional := embedded.Kind() == reflect.Pointer
			if optional {
				embedded = embedded.Elem()
			}
			var inner []string
			if err := all.fields(embedded, properties, &inner); err != nil {
				return err
			}
			if !optional {
				*required = append(*required, inner...)
			}
			continue
		}
		property, err := all.of(f.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
			if k := f.Type.Kind(); k == reflect.Pointer {
				property = orNull(property)
			}
		}
		properties[name] = property
	}
	return nil
}

// orNull lets a value be null.
func orNull(s Schema) Schema {
	if kind, ok := s["type"].(string); ok {
		s["type"] = []string{kind, "null"}
		return s
	}
	return Schema{"anyOf": []Schema{s, {"type": "null"}}}
}

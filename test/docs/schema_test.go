package docs

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// properties calls visit with the path and the schema of each field below a schema.
func properties(path string, schema *apiextensionsv1.JSONSchemaProps, visit func(path, name string, schema *apiextensionsv1.JSONSchemaProps)) {
	if schema.Items != nil && schema.Items.Schema != nil {
		properties(path, schema.Items.Schema, visit)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		properties(path, schema.AdditionalProperties.Schema, visit)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		property := schema.Properties[name]
		visit(path+"."+name, name, &property)
		properties(path+"."+name, &property, visit)
	}
}

// everyField calls visit with each field of our definitions, by the path that kubectl explain takes.
func everyField(t *testing.T, visit func(path, name string, schema *apiextensionsv1.JSONSchemaProps)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "manifests/crds/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, file := range files {
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict([]byte(read(t, strings.TrimPrefix(file, root+"/"))), &crd); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, version := range crd.Spec.Versions {
			schema := version.Schema.OpenAPIV3Schema
			// The API server refuses a description of metadata, and has one of its own.
			delete(schema.Properties, "metadata")
			properties(strings.ToLower(crd.Spec.Names.Kind), schema, func(path, name string, property *apiextensionsv1.JSONSchemaProps) {
				checked++
				visit(path, name, property)
			})
		}
	}
	if checked < 500 {
		t.Errorf("only %d fields were found", checked)
	}
}

func TestEveryFieldIsExplained(t *testing.T) {
	var not []string
	everyField(t, func(path, _ string, schema *apiextensionsv1.JSONSchemaProps) {
		if strings.TrimSpace(schema.Description) == "" {
			not = append(not, path)
		}
	})
	if len(not) > 0 {
		t.Errorf("kubectl explain says nothing of %d fields:\n%s", len(not), strings.Join(not, "\n"))
	}
}

// As Kubernetes' own are. A field without a comment has that of its type, which begins otherwise and does not say what the field is for.
func TestAnExplanationBeginsWithTheField(t *testing.T) {
	everyField(t, func(path, name string, schema *apiextensionsv1.JSONSchemaProps) {
		if word, _, _ := strings.Cut(schema.Description, " "); !strings.EqualFold(strings.TrimRight(word, ":,"), name) {
			t.Errorf("%s: %q", path, schema.Description)
		}
	})
}

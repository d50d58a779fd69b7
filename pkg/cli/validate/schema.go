package validate

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/api/meta"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/kymaros/kymaros/manifests"
)

// budget is what all rules of one object may cost, as in the API server.
const budget = 10_000_000

// definition is a CustomResourceDefinition as the API server would use it.
type definition struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

// definitions reads those that this command was built with, by kind.
func definitions() (map[string]*definition, error) {
	text, err := manifests.CRDs()
	if err != nil {
		return nil, err
	}
	documents, err := split(text)
	if err != nil {
		return nil, err
	}
	all := map[string]*definition{}
	for _, d := range documents {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(d.text, crd); err != nil {
			return nil, err
		}
		if all[crd.Spec.Names.Kind], err = define(crd); err != nil {
			return nil, fmt.Errorf("definition of %s: %w", crd.Spec.Names.Kind, err)
		}
	}
	return all, nil
}

func define(crd *apiextensionsv1.CustomResourceDefinition) (*definition, error) {
	internal := &apiextensions.JSONSchemaProps{}
	err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, internal, nil)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(internal)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return nil, err
	}
	return &definition{structural, validator, cel.NewValidator(structural, true, 1_000_000)}, nil
}

// check does what the API server does with a new object: unknown fields, defaults, schema, lists, rules. It changes object.
func (d *definition) check(ctx context.Context, object *unstructured.Unstructured) field.ErrorList {
	var errs field.ErrorList
	unknown := pruning.PruneWithOptions(object.Object, d.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	slices.Sort(unknown)
	for _, path := range unknown {
		errs = append(errs, field.Invalid(field.NewPath(path), field.OmitValueType{}, "there is no such field: kubectl explain tells those that there are"))
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, d.structural)
	defaulting.Default(object.Object, d.structural)
	if m, err := meta.Accessor(runtime.Object(object)); err == nil {
		errs = append(errs, apivalidation.ValidateObjectMetaAccessor(m, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))...)
	}
	errs = slices.DeleteFunc(errs, func(e *field.Error) bool { return e.Field == "metadata.namespace" && object.GetNamespace() == "" }) // kubectl -n gives it
	errs = append(errs, validation.ValidateCustomResource(nil, object.Object, d.validator)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, d.structural, object.Object)...)
	if len(errs) > 0 {
		return errs // rules are for objects that have their shape
	}
	found, _ := d.rules.Validate(ctx, nil, d.structural, object.Object, nil, budget)
	return append(errs, found...)
}

var _ metav1.Object = &unstructured.Unstructured{}

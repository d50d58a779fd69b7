package caller

import (
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// Right is a verb on a resource in a namespace, empty for all; name is empty for all of them. Without a resource it is a verb on
// the path.
type Right struct{ Verb, Resource, Namespace, Name, Path string }

// String says it as callers are told of it.
func (r Right) String() string {
	switch {
	case r.Resource == "":
		return r.Verb + " " + r.Path
	case r.Namespace == "":
		return fmt.Sprintf("%s %s.%s in all namespaces", r.Verb, r.Resource, v1alpha1.GroupName)
	case r.Name == "":
		return fmt.Sprintf("%s %s.%s in namespace %s", r.Verb, r.Resource, v1alpha1.GroupName, r.Namespace)
	}
	return fmt.Sprintf("%s %s.%s %s in namespace %s", r.Verb, r.Resource, v1alpha1.GroupName, r.Name, r.Namespace)
}

// attributes returns the right as reviews have it: of a resource, or else of a path.
func (r Right) attributes() (*authorizationv1.ResourceAttributes, *authorizationv1.NonResourceAttributes) {
	if r.Resource == "" {
		return nil, &authorizationv1.NonResourceAttributes{Verb: r.Verb, Path: r.Path}
	}
	return &authorizationv1.ResourceAttributes{Group: v1alpha1.GroupName, Resource: r.Resource, Verb: r.Verb, Namespace: r.Namespace, Name: r.Name}, nil
}

// Remedy is what gives the right, as a rule of RBAC.
func (r Right) Remedy() string {
	where := "a ClusterRole"
	if r.Namespace != "" {
		where = "a Role in namespace " + r.Namespace
	}
	return fmt.Sprintf("bind %s with the rule {apiGroups: [restore.kymaros.io], resources: [%s], verbs: [%s]}", where, r.Resource, strings.ToLower(r.Verb))
}

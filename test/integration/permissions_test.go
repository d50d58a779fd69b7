package integration

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
)

// checkPermissions reads in the audit log what the controller has asked for in all tests. It fails if something was
// denied; with -v it names the grants that nothing here has used.
func checkPermissions() error {
	used, denied, err := permissionsUsed()
	if err != nil {
		return err
	}
	if len(used) == 0 {
		return nil // no test has started the controller
	}
	if testing.Verbose() {
		granted, err := permissionsGranted()
		if err != nil {
			return err
		}
		fmt.Printf("used by the controller: %s\n", strings.Join(sets.List(used), ", "))
		fmt.Printf("granted, and not used in these tests: %s\n", strings.Join(sets.List(granted.Difference(used)), ", "))
	}
	if len(denied) > 0 {
		return errors.New("the controller was denied: " + strings.Join(sets.List(denied), ", "))
	}
	return nil
}

// permissionsUsed returns "verb resource.group/subresource" of what the controller asked for, and of what it was denied.
func permissionsUsed() (used, denied sets.Set[string], err error) {
	f, err := os.Open(auditLog)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	used, denied = sets.New[string](), sets.New[string]()
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return used, denied, nil // the end; the last line may be half written
		}
		var event struct {
			Verb string
			User struct{ Username string }
			// ObjectRef is nil for what is no object: discovery.
			ObjectRef   *struct{ Resource, APIGroup, Subresource, Namespace string }
			Annotations map[string]string
		}
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, nil, fmt.Errorf("audit log: %w", err)
		}
		if event.User.Username != "system:serviceaccount:"+systemNamespace+":kymaros-controller" || event.ObjectRef == nil {
			continue
		}
		what := permission(event.Verb, event.ObjectRef.APIGroup, event.ObjectRef.Resource, event.ObjectRef.Subresource)
		used.Insert(what)
		if event.Annotations["authorization.k8s.io/decision"] == "forbid" {
			denied.Insert(what + " in namespace " + event.ObjectRef.Namespace)
		}
	}
}

func permission(verb, group, resource, subresource string) string {
	if group != "" {
		resource += "." + group
	}
	if subresource != "" {
		resource += "/" + subresource
	}
	return verb + " " + resource
}

// permissionsGranted returns what the manifests grant the controller, in the same words.
func permissionsGranted() (sets.Set[string], error) {
	all, err := readManifests(filepath.Join(root, "manifests/10-rbac.yaml"))
	if err != nil {
		return nil, err
	}
	granted := sets.New[string]()
	for _, o := range all {
		rules, _, _ := unstructured.NestedSlice(o.Object, "rules")
		for _, rule := range rules {
			rule, _ := rule.(map[string]any)
			list := func(field string) []string {
				s, _, _ := unstructured.NestedStringSlice(rule, field)
				return slices.Clip(s)
			}
			for _, group := range list("apiGroups") {
				for _, resource := range list("resources") {
					resource, subresource, _ := strings.Cut(resource, "/")
					for _, verb := range list("verbs") {
						granted.Insert(permission(verb, group, resource, subresource))
					}
				}
			}
		}
	}
	return granted, nil
}

package server

import (
	"context"
	"maps"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/scheme"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

// manifestInput is an object as its caller wrote it.
type manifestInput struct {
	// Manifest is YAML or JSON. Its spec and labels become those of the object, annotations that it names are set.
	Manifest string `json:"manifest"`
	// ResourceVersion of the object as the caller saw it: a change is refused if somebody made another meanwhile. Empty: it is new.
	ResourceVersion string `json:"resourceVersion,omitempty"`
}

// manifests refuses fields that there are none of, and such as come twice: they would be lost without a word.
var manifests = json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, json.SerializerOptions{Yaml: true, Strict: true})

// manifested is a kind of which there are manifests.
type manifested interface {
	runtime.Object
	metav1.Object
}

// editor is what clients of all kinds have.
type editor[T manifested] interface {
	Get(ctx context.Context, name string, options metav1.GetOptions) (T, error)
	Create(ctx context.Context, made T, options metav1.CreateOptions) (T, error)
	Update(ctx context.Context, changed T, options metav1.UpdateOptions) (T, error)
}

func (s *Server) putTest(r *request) (any, error) {
	return put(s, r, "RestoreTest", func(clients Clients, ns string) editor[*v1alpha1.RestoreTest] {
		return clients.Kymaros.RestoreV1alpha1().RestoreTests(ns)
	}, func(said *v1alpha1.RestoreTest, into *v1alpha1.RestoreTest) { into.Spec = said.Spec })
}

func (s *Server) putPolicy(r *request) (any, error) {
	return put(s, r, "HealthCheckPolicy", func(clients Clients, ns string) editor[*v1alpha1.HealthCheckPolicy] {
		return clients.Kymaros.RestoreV1alpha1().HealthCheckPolicies(ns)
	}, func(said *v1alpha1.HealthCheckPolicy, into *v1alpha1.HealthCheckPolicy) { into.Spec = said.Spec })
}

// put makes or changes an object as a manifest says, with the token of the caller.
func put[T manifested](s *Server, r *request, kind string, of func(clients Clients, namespace string) editor[T], setSpec func(said, into T)) (any, error) {
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	said, version, err := manifest[T](r, kind)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	all := of(clients, r.PathValue("namespace"))
	message := kind + " created"
	if version == "" {
		_, err = all.Create(ctx, said, metav1.CreateOptions{})
	} else {
		message = kind + " updated"
		err = replace(ctx, all, said, version, setSpec)
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil, problem.New(http.StatusConflict, "there is a %s %q already: read it, and send its resourceVersion to change it", kind, said.GetName())
	case apierrors.IsNotFound(err) && version != "":
		return nil, problem.NotFound(kind, r.PathValue("namespace"), said.GetName())
	case err != nil:
		return nil, inManifest(refused(err))
	}
	return done{message}, nil
}

func replace[T manifested](ctx context.Context, all editor[T], said T, version string, setSpec func(said, into T)) error {
	current, err := all.Get(ctx, said.GetName(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	setSpec(said, current)
	current.SetLabels(said.GetLabels())
	if named := said.GetAnnotations(); len(named) > 0 {
		annotations := maps.Clone(current.GetAnnotations())
		if annotations == nil {
			annotations = map[string]string{}
		}
		maps.Copy(annotations, named)
		current.SetAnnotations(annotations)
	}
	current.SetResourceVersion(version)
	_, err = all.Update(ctx, current, metav1.UpdateOptions{})
	return err
}

// manifest reads that of the object that a path is about.
func manifest[T manifested](r *request, kind string) (said T, version string, err error) {
	var in manifestInput
	if err := r.read(&in); err != nil {
		return said, "", err
	}
	ns, err := r.namespace()
	if err != nil {
		return said, "", err
	}
	name := r.PathValue("name")
	if err := query.CheckName("name", name); err != nil {
		return said, "", err
	}
	decoded, _, err := manifests.Decode([]byte(in.Manifest), nil, nil)
	if err != nil && !runtime.IsNotRegisteredError(err) && !runtime.IsMissingKind(err) && !runtime.IsMissingVersion(err) {
		return said, "", problem.Wrong("manifest", "%s", err)
	}
	said, ok := decoded.(T)
	switch {
	case !ok:
		return said, "", problem.Wrong("manifest", "must be one object with apiVersion: %s and kind: %s", v1alpha1.GroupVersion, kind)
	case said.GetName() != name:
		return said, "", problem.Wrong("manifest", "metadata.name must be %s", name)
	case said.GetNamespace() != "" && said.GetNamespace() != ns:
		return said, "", problem.Wrong("manifest", "metadata.namespace must be %s", ns)
	}
	said.SetNamespace(ns)
	said.SetResourceVersion("")
	return said, in.ResourceVersion, nil
}

// inManifest has a problem be one of the manifest: its text names the field.
func inManifest(err error) error {
	if p, ok := err.(*problem.Error); ok && p.Field != "" { //nolint:errorlint // refused has just made it
		p.Field = "manifest"
	}
	return err
}

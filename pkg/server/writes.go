package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/server/caller"
	"github.com/kymaros/kymaros/pkg/server/problem"
	"github.com/kymaros/kymaros/pkg/server/query"
)

// done says that something was changed.
type done struct {
	Message string `json:"message"`
}

// mine returns clients with the token of the caller: the API server judges them, not this program.
func (s *Server) mine(r *request) (Clients, error) {
	if s.options.Self != nil {
		return s.options.Self.Clients, nil
	}
	if r.caller.ReadOnly {
		return Clients{}, problem.New(http.StatusForbidden,
			"this token is good for reading here only: send one that the API server takes, such as kubectl create token NAME without --audience")
	}
	token, err := caller.Credential(r.Request)
	if err != nil {
		return Clients{}, err
	}
	return s.options.As(token)
}

// read reads the body of a request. Pages of other origins cannot send this type without asking, and are refused when they ask.
func (r *request) read(into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem.New(http.StatusUnsupportedMediaType, "send the body as Content-Type: application/json")
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return problem.New(http.StatusBadRequest, "the body holds more than one JSON object")
	}
	var large *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &large):
		return problem.New(http.StatusRequestEntityTooLarge, "the body is larger than %d bytes", large.Limit)
	case errors.As(err, &kind):
		return problem.Wrong(kind.Field, "must be a %s, not a %s", kind.Type, kind.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return problem.Wrong(strings.Trim(name, `"`), "is no field of a test here")
	}
	return problem.New(http.StatusBadRequest, "the body is no JSON object")
}

func (s *Server) createTest(r *request) (any, error) {
	var in testInput
	if err := r.read(&in); err != nil {
		return nil, err
	}
	if in.Namespace == "" { // where older clients have all theirs
		in.Namespace = s.options.Namespace
	}
	if err := errors.Join(query.CheckName("name", in.Name), query.CheckNamespace("namespace", in.Namespace)); err != nil {
		return nil, err
	}
	rt := &v1alpha1.RestoreTest{ObjectMeta: metav1.ObjectMeta{Namespace: in.Namespace, Name: in.Name}}
	if err := in.into(&rt.Spec); err != nil {
		return nil, err
	}
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	if _, err := clients.Kymaros.RestoreV1alpha1().RestoreTests(in.Namespace).Create(ctx, rt, metav1.CreateOptions{}); err != nil {
		return nil, refused(err)
	}
	return done{"test created"}, nil
}

// changeTest changes what the body tells of, and leaves the rest of the spec as it is.
func (s *Server) changeTest(r *request) (any, error) {
	var in testInput
	if err := r.read(&in); err != nil {
		return nil, err
	}
	name := r.PathValue("name")
	if in.Name != "" && in.Name != name {
		return nil, problem.Wrong("name", "a test cannot be renamed: leave it out, or write %s", name)
	}
	return s.write(r, theTest(r), func(ctx context.Context, clients Clients, ns string) (any, error) {
		if in.Namespace != "" && in.Namespace != ns {
			return nil, problem.Wrong("namespace", "a test cannot be moved: leave it out, or write %s", ns)
		}
		all := clients.Kymaros.RestoreV1alpha1().RestoreTests(ns)
		rt, err := all.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if err := in.into(&rt.Spec); err != nil {
			return nil, err
		}
		if in.ResourceVersion != "" { // as the caller saw it; otherwise as it is now
			rt.ResourceVersion = in.ResourceVersion
		}
		_, err = all.Update(ctx, rt, metav1.UpdateOptions{})
		return done{"test updated"}, err
	})
}

func (s *Server) deleteTest(r *request) (any, error) {
	return s.write(r, theTest(r), func(ctx context.Context, clients Clients, ns string) (any, error) {
		return nil, clients.Kymaros.RestoreV1alpha1().RestoreTests(ns).Delete(ctx, r.PathValue("name"), metav1.DeleteOptions{})
	})
}

// trigger asks for a run as kubectl annotate does. During a run it asks for one more.
func (s *Server) trigger(r *request) (any, error) {
	return s.write(r, theTest(r), func(ctx context.Context, clients Clients, ns string) (any, error) {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
			v1alpha1.AnnotationRunRequested: s.now().UTC().Format(time.RFC3339Nano),
		}}})
		if err != nil {
			return nil, err
		}
		_, err = clients.Kymaros.RestoreV1alpha1().RestoreTests(ns).Patch(ctx, r.PathValue("name"), types.MergePatchType, patch, metav1.PatchOptions{})
		return done{"test triggered"}, err
	})
}

func (s *Server) deletePolicy(r *request) (any, error) {
	return s.write(r, target{policies, "HealthCheckPolicy", nil}, func(ctx context.Context, clients Clients, ns string) (any, error) {
		return nil, clients.Kymaros.RestoreV1alpha1().HealthCheckPolicies(ns).Delete(ctx, r.PathValue("name"), metav1.DeleteOptions{})
	})
}

// target is a kind of objects that a path is about, with the namespaces of those of each name, where a name alone is taken.
type target struct {
	resource, kind string
	named          map[string][]string
}

func theTest(r *request) target { return target{tests, "RestoreTest", r.view.TestsNamed} }

// write changes the object that a path is about. Which one it is the caller learns only if they may get it; whether they may change
// it the API server says.
func (s *Server) write(r *request, t target, change func(ctx context.Context, clients Clients, namespace string) (any, error)) (any, error) {
	clients, err := s.mine(r)
	if err != nil {
		return nil, err
	}
	ns, err := s.find(r, t.resource, t.kind, t.named)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	answer, err := change(ctx, clients, ns)
	if apierrors.IsNotFound(err) {
		return nil, problem.NotFound(t.kind, ns, r.PathValue("name"))
	}
	if err != nil {
		return nil, refused(err)
	}
	return answer, nil
}

// refused is what the API server said to the caller's own request, as they would have heard it themselves.
func refused(err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err
	}
	said := status.Status()
	switch said.Code {
	case http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusNotFound:
	case http.StatusUnauthorized:
		return caller.ErrBadToken
	default:
		return err
	}
	p := problem.New(int(said.Code), "%s", said.Message)
	if said.Reason == metav1.StatusReasonConflict {
		p = problem.New(http.StatusConflict, "somebody changed it meanwhile: read it again and repeat the change")
	}
	if said.Details != nil && len(said.Details.Causes) > 0 {
		p.Field = inputField(said.Details.Causes[0].Field)
	}
	return p
}

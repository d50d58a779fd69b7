package server

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/controller"
	chain "github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/server/problem"
)

// reportRecord is a report as the chain of reports knows it.
type reportRecord struct {
	// Digest of the verdict: what the head of the chain and a signature name.
	Digest v1alpha1.Digest `json:"digest"`
	// Hygiene is the digest of what cleanup wrote; empty if it has not.
	Hygiene v1alpha1.Digest `json:"hygiene,omitempty"`
	// Record is the digest that the next report names as the one before.
	Record v1alpha1.Digest `json:"record"`
	// Report as it is stored: the digests are of this, not of what this program knows of it.
	Report map[string]any `json:"report"`
}

// sealed answers with a report as the API server stores it, logs included, and with its digests. Whether the chain is whole, and whether
// a signature is good, takes all reports of the test and the keys: `kubectl kymaros verify` tells.
func (s *Server) sealed(r *request) (any, error) {
	ns, err := s.find(r, reports, "RestoreReport", r.view.ReportsNamed)
	if err != nil {
		return nil, err
	}
	ctx, cancel := liveContext(r)
	defer cancel()
	name := r.PathValue("name")
	body, err := s.stored(ctx, ns, name)
	if apierrors.IsNotFound(err) {
		return nil, problem.NotFound("RestoreReport", ns, name)
	}
	if err != nil {
		return nil, err
	}
	var typed v1alpha1.RestoreReport
	if err := json.Unmarshal(body, &typed); err != nil {
		return nil, fmt.Errorf("report %s/%s: %w", ns, name, err)
	}
	if typed.Status == nil || !controller.WroteReport(&typed) {
		return nil, problem.NotFound("RestoreReport", ns, name)
	}
	var answer reportRecord
	if err := utiljson.Unmarshal(body, &answer.Report); err != nil {
		return nil, fmt.Errorf("report %s/%s: %w", ns, name, err)
	}
	known, err := chain.Of(answer.Report)
	if err != nil {
		return nil, fmt.Errorf("report %s/%s: %w", ns, name, err)
	}
	answer.Digest, answer.Hygiene, answer.Record = known.Verdict, known.Hygiene, known.Digest()
	return answer, nil
}

// readStored returns a report as the API server stores it.
func (s *Server) readStored(ctx context.Context, ns, name string) ([]byte, error) {
	return s.options.Client.RestoreV1alpha1().RESTClient().Get().Namespace(ns).Resource(reports).Name(name).Do(ctx).Raw()
}

// Package stored reads reports as the API server stores them, from a cluster or from files that were exported: what our types do not
// know counts for the digests too.
package stored

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/controller"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/scheme"
	"github.com/kymaros/kymaros/pkg/names"
)

// page is how many reports one request asks for: one may be as large as the API server stores any.
const page = 100

// Report in all its forms.
type Report struct {
	// Fields as stored.
	Fields map[string]any
	// Typed is as much of it as this version knows.
	Typed v1alpha1.RestoreReport
	// Record of the chain, and the bytes that its digest is of.
	Record  evidence.Record
	Verdict []byte
}

// Each calls look with every report of the namespace, "" for all, with several at once, and do with what it returned, by namespace and
// name; of one test, unless test is empty. It reads page by page. It leaves out those that have no verdict yet, and counts those that
// Kymaros did not write: they are no evidence.
func Each[T any](ctx context.Context, c client.Clients, namespace, test string, look func(*Report) (T, error), do func(T) error) (foreign int, err error) {
	type seen struct {
		counts, foreign bool
		of              T
	}
	err = ordered(pages(ctx, c, namespace, test), func(item json.RawMessage) (s seen, err error) {
		r, err := parse(item)
		if err != nil || test != "" && r.Typed.Spec.TestRef != test || r.Typed.Status == nil {
			return s, err
		}
		if s.foreign = !controller.WroteReport(&r.Typed); s.foreign {
			return s, nil
		}
		if err := r.seal(); err != nil {
			return s, fmt.Errorf("report %s/%s: %w", r.Typed.Namespace, r.Typed.Name, err)
		}
		s.counts = true
		s.of, err = look(r)
		return s, err
	}, func(s seen) error {
		if s.foreign {
			foreign++
		}
		if !s.counts {
			return nil
		}
		return do(s.of)
	})
	return foreign, err
}

// pages returns the reports, as the API server answers.
func pages(ctx context.Context, c client.Clients, namespace, test string) iter.Seq2[json.RawMessage, error] {
	options := metav1.ListOptions{Limit: page}
	if test != "" {
		options.LabelSelector = labels.SelectorFromSet(labels.Set{v1alpha1.LabelReportTest: names.LabelValue(test)}).String()
	}
	return func(yield func(json.RawMessage, error) bool) {
		for {
			body, err := c.Kymaros.RestoreV1alpha1().RESTClient().Get().Namespace(namespace).Resource("restorereports").
				VersionedParams(&options, scheme.ParameterCodec).Do(ctx).Raw()
			var list struct {
				Metadata metav1.ListMeta   `json:"metadata"`
				Items    []json.RawMessage `json:"items"`
			}
			if err == nil {
				err = json.Unmarshal(body, &list)
			}
			if err != nil {
				yield(nil, fmt.Errorf("list RestoreReports: %w", err))
				return
			}
			for _, item := range list.Items {
				if !yield(item, nil) {
					return
				}
			}
			if options.Continue = list.Metadata.Continue; options.Continue == "" {
				return
			}
		}
	}
}

// seal makes the record.
func (r *Report) seal() (err error) {
	r.Record, r.Verdict, err = evidence.OfVerdict(r.Fields)
	return err
}

func parse(body []byte) (*Report, error) {
	var r Report
	if err := utiljson.Unmarshal(body, &r.Fields); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &r.Typed); err != nil {
		return nil, err
	}
	// Items of a list have neither.
	r.Typed.APIVersion, r.Typed.Kind = v1alpha1.GroupVersion.String(), "RestoreReport"
	r.Fields["apiVersion"], r.Fields["kind"] = r.Typed.APIVersion, r.Typed.Kind
	return &r, nil
}

// Key names a test.
type Key struct{ Namespace, Test string }

// Head of a test as files keep it.
type Head struct {
	Namespace string                  `json:"namespace"`
	Test      string                  `json:"test"`
	Sequence  int64                   `json:"sequence"`
	Digest    v1alpha1.Digest         `json:"digest"`
	Hygiene   *v1alpha1.HygieneDigest `json:"hygiene,omitempty"`
}

// Of returns it as the chain takes it.
func (h Head) Of() evidence.Head {
	return evidence.Head{Sequence: h.Sequence, Digest: h.Digest, Hygiene: h.Hygiene}
}

// HeadOf returns that of a test.
func HeadOf(rt *v1alpha1.RestoreTest) Head {
	h := evidence.HeadOf(rt)
	return Head{rt.Namespace, rt.Name, h.Sequence, h.Digest, h.Hygiene}
}

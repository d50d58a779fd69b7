package evidence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var began = time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)

// cluster plays the controller and etcd for one test.
type cluster struct {
	t *testing.T
	// stored are the reports, by number.
	stored map[int64]map[string]any
	head   Head
	runs   int
	// limit is historyLimit; keep are numbers that a search rests on.
	limit  int
	keep   map[int64]bool
	signer *Signer
}

func newCluster(t *testing.T, limit, runs int) *cluster {
	t.Helper()
	c := &cluster{t: t, stored: map[int64]map[string]any{}, limit: limit, keep: map[int64]bool{}}
	for range runs {
		c.run(nil)
	}
	return c
}

// run plays one run: the report is written, the surplus goes, cleanup writes.
func (c *cluster) run(edit func(*v1alpha1.RestoreReport)) int64 {
	c.t.Helper()
	there := c.records(nil)
	slices.SortFunc(there, func(a, b Record) int { return cmp.Compare(a.Sequence(), b.Sequence()) })
	var going []Record
	for _, r := range there {
		if !c.keep[r.Sequence()] {
			going = append(going, r)
		}
	}
	going = going[:max(len(going)-(c.limit-1), 0)]
	e := Extend(c.head, there, going)
	c.runs++
	report := &v1alpha1.RestoreReport{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "RestoreReport"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: fmt.Sprintf("shop-%03d", c.runs)},
		Spec:       v1alpha1.RestoreReportSpec{TestRef: "shop", RunID: fmt.Sprintf("run-%03d", c.runs)},
		Status: &v1alpha1.RestoreReportStatus{
			Score: 98, Result: v1alpha1.ResultPass, StartedAt: metav1.NewTime(began.AddDate(0, 0, c.runs)),
			CompletedAt: metav1.NewTime(began.AddDate(0, 0, c.runs).Add(time.Hour)), Evidence: &e,
			Backup: v1alpha1.Backup{Name: fmt.Sprintf("nightly-%03d", c.runs), Age: "1h"},
		},
	}
	if edit != nil {
		edit(report)
	}
	if c.signer != nil {
		if err := c.signer.Sign(report); err != nil {
			c.t.Fatal(err)
		}
	}
	record, err := OfReport(report)
	if err != nil {
		c.t.Fatal(err)
	}
	c.head.Sequence, c.head.Digest = e.Sequence, record.Verdict
	for _, r := range going {
		delete(c.stored, r.Sequence())
	}
	report.Hygiene = &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: metav1.NewTime(began.AddDate(0, 0, c.runs).Add(2 * time.Hour))}
	digest, err := DigestOf(report.Hygiene)
	if err != nil {
		c.t.Fatal(err)
	}
	c.head.Hygiene = &v1alpha1.HygieneDigest{Sequence: e.Sequence, Digest: digest}
	c.stored[e.Sequence] = asStored(c.t, report)
	return e.Sequence
}

// records returns those of all reports, with what keys make of their signatures.
func (c *cluster) records(keys Keys) (all []Record) {
	c.t.Helper()
	for _, report := range c.stored {
		r, err := Of(report)
		if err != nil {
			c.t.Fatal(err)
		}
		r.Signature = keys.Check(&r)
		all = append(all, r)
	}
	return all
}

func (c *cluster) verify(keys Keys, outside Head) Result {
	c.t.Helper()
	return Verify(c.records(keys), c.head, outside)
}

// asStored returns an object as the API server gives it.
func asStored(t *testing.T, object any) (stored map[string]any) {
	t.Helper()
	body, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if err := utiljson.Unmarshal(body, &stored); err != nil {
		t.Fatal(err)
	}
	return stored
}

// fill sets every field of v, each to something of its own.
func fill(v reflect.Value, n *int64) {
	*n++
	if v.Type() == reflect.TypeFor[metav1.Time]() {
		v.Set(reflect.ValueOf(metav1.NewTime(began.Add(time.Duration(*n) * time.Minute))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(*n)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, n)
		}
	default:
		panic(fmt.Sprintf("a field of kind %s is nothing that canonical JSON keeps", v.Kind()))
	}
}

// full sets every field of a report but those that make it one of the chain.
func full(r *v1alpha1.RestoreReport) {
	n, e := int64(0), *r.Status.Evidence
	fill(reflect.ValueOf(&r.Spec).Elem(), &n)
	fill(reflect.ValueOf(r.Status).Elem(), &n)
	r.Spec.TestRef = "shop"
	got := r.Status.Evidence
	got.Sequence, got.Previous, got.Pruned, got.KeyID, got.Envelope = e.Sequence, e.Previous, e.Pruned, "", nil
}

package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/evidence"
)

const (
	// evidenceKeys is the ConfigMap of the public keys.
	evidenceKeys = "kymaros-evidence-keys"
	// newestReports bounds how many are read: one of each of the tests that ran last.
	newestReports = 10
	// mountedWithin is how long the kubelet may take until the controller has what is in a Secret.
	mountedWithin = 5 * time.Minute
)

// Evidence is what is known of the keys that sign reports.
type Evidence struct {
	// Dir is where the controller looks for them; Secret is what is mounted there, by name. Each is empty if there is none.
	Dir, Secret string
	// Hidden: whether there is that Secret may not be seen. Created is when it was made, nil if there is none.
	Hidden  bool
	Created *metav1.Time
	// Keys are the public keys; Wrong says why the ConfigMap cannot be used.
	Keys  evidence.Keys
	Wrong string
	// Newest reports of tests, those that ended last.
	Newest []*v1alpha1.RestoreReport
}

// evidence looks at the keys. Of the Secret only the metadata is asked for, if the caller may see that: private keys stay where they are.
func (g gatherer) evidence(ctx context.Context) error {
	d, err := g.c.Kube.AppsV1().Deployments(g.System).Get(ctx, prober, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	e := &Evidence{Keys: evidence.Keys{}}
	e.Dir, e.Secret = mountedKeys(&d.Spec.Template.Spec)
	if e.Secret != "" {
		client, err := metadata.NewForConfig(g.c.Config)
		if err != nil {
			return err
		}
		secret, err := client.Resource(corev1.SchemeGroupVersion.WithResource("secrets")).Namespace(g.System).Get(ctx, e.Secret, metav1.GetOptions{})
		switch {
		case err == nil:
			e.Created = &secret.CreationTimestamp
		case apierrors.IsForbidden(err):
			e.Hidden = true
		case !apierrors.IsNotFound(err):
			return err
		}
	}
	cm, err := g.c.Kube.CoreV1().ConfigMaps(g.System).Get(ctx, evidenceKeys, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(cm.Data)) {
		if err := e.Keys.Add([]byte(cm.Data[name])); err != nil {
			e.Wrong = name + ": " + err.Error()
		}
	}
	if e.Newest, err = g.newest(ctx); err != nil {
		return err
	}
	g.Evidence = e
	return nil
}

// newest returns the newest reports of the tests that ran last.
func (g gatherer) newest(ctx context.Context) (reports []*v1alpha1.RestoreReport, err error) {
	tests, err := g.c.Tests(ctx, "", "")
	if err != nil {
		return nil, err
	}
	tests = slices.DeleteFunc(slices.Clone(tests), func(rt *v1alpha1.RestoreTest) bool {
		return rt.Status.LastReportRef == "" || rt.Status.LastRunAt == nil
	})
	slices.SortFunc(tests, func(a, b *v1alpha1.RestoreTest) int {
		return cmp.Or(b.Status.LastRunAt.Compare(a.Status.LastRunAt.Time), cmp.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name))
	})
	for _, rt := range tests[:min(len(tests), newestReports)] {
		r, err := g.c.Kymaros.RestoreV1alpha1().RestoreReports(rt.Namespace).Get(ctx, rt.Status.LastReportRef, metav1.GetOptions{})
		switch {
		case err == nil && r.Status != nil && r.Status.Evidence != nil:
			reports = append(reports, r)
		case err != nil && !apierrors.IsNotFound(err):
			return nil, err
		}
	}
	return reports, nil
}

// mountedKeys returns where a pod of the controller looks for keys, and the Secret that is mounted there.
func mountedKeys(spec *corev1.PodSpec) (dir, secret string) {
	if len(spec.Containers) == 0 {
		return "", ""
	}
	c := spec.Containers[0]
	for _, env := range c.Env {
		if env.Name == "KYMAROS_EVIDENCE_KEY_DIR" {
			dir = env.Value
		}
	}
	for _, arg := range c.Args {
		if value, ok := strings.CutPrefix(arg, "--evidence-key-dir="); ok {
			dir = value
		}
	}
	for _, mount := range c.VolumeMounts {
		for _, v := range spec.Volumes {
			if dir != "" && strings.TrimSuffix(mount.MountPath, "/") == strings.TrimSuffix(dir, "/") && v.Name == mount.Name && v.Secret != nil {
				secret = v.Secret.SecretName
			}
		}
	}
	return dir, secret
}

var ofEvidence = []check{
	{"kymaros", "evidence key", []Look{LookEvidence}, func(s *Seen) []Result {
		e := s.Evidence
		if e == nil {
			return nil
		}
		name := s.System + "/" + e.Secret
		signed := slices.ContainsFunc(e.Newest, func(r *v1alpha1.RestoreReport) bool { return r.Status.Evidence.KeyID != "" })
		switch {
		case e.Dir == "":
			return ok("reports are not signed: the controller has no --evidence-key-dir")
		case e.Secret == "":
			return warn("reports are not signed: the controller looks for a key in "+e.Dir+", where no Secret is mounted", "mount one there, as manifests/30-controller.yaml does")
		case e.Created == nil && !e.Hidden && signed:
			return warn("reports will not be signed any more: Secret "+name+" is gone", "put the private key back, or a new one: manifests/README.md, Evidence")
		case e.Created == nil && !e.Hidden:
			return ok("reports are not signed: there is no Secret " + name)
		}
		if r := notSigned(e); r != nil {
			return warn(fmt.Sprintf("report %s/%s is not signed, although there is a key: %s", r.Namespace, r.Name, r.Status.Evidence.NotSigned),
				"put a key that can be used into Secret "+name+": the last by name signs; and see that the controller was started since the Secret was first mounted")
		}
		switch {
		case signed:
			return ok("the newest reports are signed")
		case e.Hidden:
			return ok("no report is signed; whether there is Secret " + name + " you may not see")
		}
		return ok("there is Secret " + name + ", and no report since")
	}},
	{"kymaros", "evidence public keys", []Look{LookEvidence}, func(s *Seen) []Result {
		e := s.Evidence
		if e == nil {
			return nil
		}
		name := "ConfigMap " + s.System + "/" + evidenceKeys
		if e.Wrong != "" {
			return fail(name+" cannot be used: "+e.Wrong, "put public keys alone into it; a private key that was in it is known to all who may read it: make a new one")
		}
		for _, r := range e.Newest {
			if id := r.Status.Evidence.KeyID; id != "" && e.Keys[id] == nil {
				return warn(fmt.Sprintf("report %s/%s is signed by key %s, whose public key is not in %s", r.Namespace, r.Name, id, name),
					"add it, and keep those of older keys: manifests/README.md, Evidence")
			}
		}
		return nil // the keys are told of above
	}},
}

// notSigned returns a report that a key should have signed: one that ended after the Secret was there, or that says what is wrong with
// the key.
func notSigned(e *Evidence) *v1alpha1.RestoreReport {
	for _, r := range e.Newest {
		had := e.Created != nil && r.Status.CompletedAt.After(e.Created.Add(mountedWithin))
		if v := r.Status.Evidence; v.KeyID == "" && (had || strings.HasPrefix(v.NotSigned, "key ")) {
			return r
		}
	}
	return nil
}

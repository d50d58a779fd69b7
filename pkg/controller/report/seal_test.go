package report

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	chain "github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/pkg/sideeffects"
)

// unfound ends a run before anything is looked at.
var unfound = condition(v1alpha1.ConditionRestored, metav1.ConditionFalse, v1alpha1.ReasonBackupNotFound)

// update stores a test as other controllers wrote it.
func (f *fixture) update(t *testing.T, rt *v1alpha1.RestoreTest) {
	t.Helper()
	if err := f.client.Tracker().Update(v1alpha1.Resource("restoretests").WithVersion("v1alpha1"), rt, "prod"); err != nil {
		t.Fatal(err)
	}
	if err := f.tests.Update(rt); err != nil {
		t.Fatal(err)
	}
}

// begin starts the n-th run, which ends at once.
func (f *fixture) begin(t *testing.T, n int, change ...func(*v1alpha1.RestoreTest)) {
	t.Helper()
	before := f.test(t)
	rt := test(append([]func(*v1alpha1.RestoreTest){stillRestoring, unfound, func(rt *v1alpha1.RestoreTest) {
		id := fmt.Sprintf("20261121-%06d-abcdef", n)
		rt.Status.Run.ID, rt.Status.Sandbox.RunID, rt.Status.Restore.RunID, rt.Status.Health.RunID, rt.Status.Report.RunID = id, id, id, id, id
		rt.Status.Run.StartTime = metav1.NewTime(runStart.Add(time.Duration(n) * time.Hour))
		if n > 1 {
			s := before.Status
			rt.Status.LastRun, rt.Status.LastResult, rt.Status.LastReportRef, rt.Status.LastScore, rt.Status.Cleanup = s.LastRun, s.LastResult, s.LastReportRef, s.LastScore, s.Cleanup
		}
	}}, change...)...)
	rt.ResourceVersion = before.ResourceVersion
	f.update(t, rt)
}

// clean writes what cleanup does after a run.
func (f *fixture) clean(t *testing.T) {
	t.Helper()
	rt := f.test(t)
	for _, r := range f.reports(t) {
		if r.Spec.RunID != rt.Status.Run.ID {
			continue
		}
		r.Hygiene = &v1alpha1.Hygiene{Status: v1alpha1.HygieneClean, CleanedAt: rt.Status.Run.StartTime}
		if err := f.client.Tracker().Update(v1alpha1.Resource("restorereports").WithVersion("v1alpha1"), &r, "prod"); err != nil {
			t.Fatal(err)
		}
		digest, err := chain.DigestOf(r.Hygiene)
		if err != nil {
			t.Fatal(err)
		}
		rt.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: r.Spec.RunID, Hygiene: &v1alpha1.HygieneDigest{Sequence: r.Status.Evidence.Sequence, Digest: digest}}
	}
	f.update(t, rt)
}

// verify returns what the reports prove.
func (f *fixture) verify(t *testing.T, keys chain.Keys) chain.Result {
	t.Helper()
	var all []chain.Record
	for _, r := range f.reports(t) {
		record, err := chain.OfReport(&r)
		if err != nil {
			t.Fatal(err)
		}
		record.Signature = keys.Check(&record)
		all = append(all, record)
	}
	return chain.Verify(all, chain.HeadOf(f.test(t)), chain.Head{})
}

func TestAReportSaysWhoseItIs(t *testing.T) {
	spec := test().Status.Run.Spec
	f := newFixture(t, test(func(rt *v1alpha1.RestoreTest) {
		rt.Spec, rt.Generation = spec, 4
		rt.Annotations = map[string]string{v1alpha1.AnnotationControls: " soc2-a1-3, dora-12-2,,soc2-a1-3," + strings.Repeat("x", 200)}
		rt.Status.Health.Policy = &v1alpha1.PolicyVersion{UID: "policy", Generation: 1, Digest: "sha256:policy"}
	}))
	b := backup()
	b.UID = "backup-uid"
	if err := f.factory.Velero().V1().Backups().Informer().GetIndexer().Update(b); err != nil {
		t.Fatal(err)
	}
	rt := f.mustSync(t)
	r := f.reports(t)[0]
	digest, err := chain.DigestOf(spec)
	if err != nil {
		t.Fatal(err)
	}
	want := &v1alpha1.Evidence{
		Sequence: 1, Cluster: v1alpha1.ClusterIdentity{UID: "cluster-uid", Kubernetes: "v1.36.3"},
		Test:    v1alpha1.TestIdentity{UID: "test-uid", Generation: 4, SpecDigest: digest, PolicyDigest: "sha256:policy"},
		Backup:  v1alpha1.BackupIdentity{UID: "backup-uid"},
		Kymaros: r.Status.Evidence.Kymaros, Controls: []string{"dora-12-2", "soc2-a1-3"}, NotSigned: "the controller has no --evidence-key-dir",
	}
	if diff := cmp.Diff(want, r.Status.Evidence); diff != "" || want.Kymaros == "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	record, err := chain.OfReport(&r)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "head", chain.HeadOf(rt), chain.Head{Sequence: 1, Digest: record.Verdict})
}

func TestASpecThatWasChangedDuringTheRunHasNoGeneration(t *testing.T) {
	f := newFixture(t, test(func(rt *v1alpha1.RestoreTest) { rt.Generation = 4 }))
	f.mustSync(t)
	equal(t, "generation", f.reports(t)[0].Status.Evidence.Test.Generation, int64(0))
}

func TestTheListOfABackupHasOneDigestInWhateverOrder(t *testing.T) {
	secret := schema.GroupKind{Kind: "Secret"}
	one := objectsDigest(sideeffects.Inventory{secret: {"a/x", "a/y"}, {Group: "apps", Kind: "Deployment"}: {"a/z"}})
	equal(t, "digest", objectsDigest(sideeffects.Inventory{{Group: "apps", Kind: "Deployment"}: {"a/z"}, secret: {"a/y", "a/x"}}), one)
	if objectsDigest(sideeffects.Inventory{secret: {"a/x", "a/y", "a/z"}}) == one {
		t.Error("another list has the same digest")
	}
}

// 200 runs of which historyLimit keeps two, with a crash here and there.
func TestTheChainOfManyRunsIsIntact(t *testing.T) {
	f := newFixture(t, test())
	for n := 1; n <= 200; n++ {
		f.begin(t, n)
		switch n % 5 {
		case 1:
			failOnce(&f.client.Fake, "update", "restorereports", "status", errors.New("crash"))
		case 2:
			failOnce(&f.client.Fake, "patch", "restoretests", "status", errors.New("crash"))
		case 3:
			failOnce(&f.client.Fake, "delete", "restorereports", "", errors.New("crash"))
		}
		if n%5 == 1 || n%5 == 2 {
			if _, err := f.sync(t); err == nil {
				t.Fatal("no error")
			}
		}
		rt := f.mustSync(t)
		f.clean(t)
		if head := chain.HeadOf(rt); head.Sequence != int64(n) {
			t.Fatalf("after run %d the head is #%d", n, head.Sequence)
		}
		if n%5 == 3 {
			continue // the surplus goes with the next run
		}
		if r := f.verify(t, nil); !r.Intact() {
			t.Fatalf("after run %d: %s", n, r.String())
		}
	}
	r := f.verify(t, nil)
	if r.Records != 2 || r.From != 199 || r.To != 200 || r.Pruned != 198 {
		t.Errorf("%s", r.String())
	}
}

func TestARestartBetweenReportAndStatusForksNoChain(t *testing.T) {
	f := newFixture(t, test())
	f.begin(t, 1)
	f.mustSync(t)
	f.clean(t)
	f.begin(t, 2)
	failOnce(&f.client.Fake, "patch", "restoretests", "status", errors.New("crash"))
	if _, err := f.sync(t); err == nil {
		t.Fatal("no error")
	}
	equal(t, "head before the restart", chain.HeadOf(f.test(t)).Sequence, int64(1))
	if r := f.verify(t, nil); !r.Intact() || r.To != 2 {
		t.Errorf("meanwhile: %s", r.String())
	}
	rt := f.mustSync(t)
	equal(t, "head", chain.HeadOf(rt).Sequence, int64(2))
	equal(t, "reports", len(f.reports(t)), 2)
	if r := f.verify(t, nil); !r.Intact() {
		t.Error(r.String())
	}
}

func TestARunOfASearchMovesTheHeadAndNothingElse(t *testing.T) {
	f := newFixture(t, test())
	f.begin(t, 1)
	before := f.mustSync(t).Status.LastRun
	f.clean(t)
	f.begin(t, 2, func(rt *v1alpha1.RestoreTest) { rt.Status.Run.Trigger = v1alpha1.TriggerSearch })
	after := f.mustSync(t).Status.LastRun.DeepCopy()
	equal(t, "head", after.Sequence, int64(2))
	after.Sequence, after.Digest = before.Sequence, before.Digest
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestAReportThatIsNotStoredTakesNoNumber(t *testing.T) {
	f := newFixture(t, test())
	f.begin(t, 1)
	head := chain.HeadOf(f.mustSync(t))
	f.clean(t)
	f.begin(t, 2, deleted)
	for _, name := range reportNames(f.test(t)) {
		r := forged(name)
		r.Labels = nil
		if err := f.client.Tracker().Add(r); err != nil {
			t.Fatal(err)
		}
	}
	rt := f.mustSync(t)
	equal(t, "report", rt.Status.Report.Name, "")
	equal(t, "head", rt.Status.LastRun.Digest, head.Digest)
}

func TestEvidenceCostsNoRequestOfARun(t *testing.T) {
	f := newFixture(t, test())
	f.client.ClearActions()
	f.mustSync(t)
	var got []string
	for _, a := range f.client.Actions() {
		if a.GetResource().Resource == "restorereports" {
			got = append(got, strings.TrimSuffix(a.GetVerb()+"/"+a.GetSubresource(), "/"))
		}
	}
	slices.Sort(got)
	equal(t, "requests", got, []string{"create", "list", "update/status"})
}

func TestTheClusterIsAskedForItsNameOnce(t *testing.T) {
	kube := kubefake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "uid"}})
	var facts clusterFacts
	for range 3 {
		if got := facts.get(t.Context(), kube); got.UID != "uid" || got.Kubernetes == "" {
			t.Errorf("%+v", got)
		}
	}
	equal(t, "requests", len(kube.Actions()), 2)
	facts.asked = time.Now().Add(-upgradesShow)
	facts.get(t.Context(), kube)
	equal(t, "requests, with another for the version", len(kube.Actions()), 3)
}

func TestAClusterThatDoesNotSayItsNameIsAskedAgain(t *testing.T) {
	kube := kubefake.NewClientset()
	var facts clusterFacts
	equal(t, "name", facts.get(t.Context(), kube).UID, "")
	if err := kube.Tracker().Add(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "uid"}}); err != nil {
		t.Fatal(err)
	}
	equal(t, "name", string(facts.get(t.Context(), kube).UID), "uid")
}

func TestReportsAreSignedByTheNewestKey(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	dir, keys := t.TempDir(), chain.Keys{}
	generate := func(name string, args ...string) {
		file := filepath.Join(dir, name)
		if out, err := exec.Command(openssl, append(args, "-out", file)...).CombinedOutput(); err != nil { //nolint:gosec // a test's own
			t.Fatalf("%v %s", err, out)
		}
		public, err := exec.Command(openssl, "pkey", "-in", file, "-pubout").Output() //nolint:gosec // a test's own
		if err == nil {
			err = keys.Add(public)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f := newFixture(t, test())
	f.keyDir = dir
	run := func(n int) *v1alpha1.Evidence {
		f.begin(t, n)
		f.mustSync(t)
		f.clean(t)
		for _, r := range f.reports(t) {
			if r.Status.Evidence.Sequence == int64(n) {
				return r.Status.Evidence
			}
		}
		t.Fatal("there is no report")
		return nil
	}
	if e := run(1); e.Envelope != nil || !strings.Contains(e.NotSigned, "Secret kymaros-evidence-key") {
		t.Errorf("without a key: %+v", e)
	}
	generate("2026-01.pem", "genpkey", "-algorithm", "ed25519")
	old := run(2)
	generate("2026-06.pem", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
	if err := os.WriteFile(filepath.Join(dir, "2027.pub"), []byte("not private"), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := run(3)
	if old.KeyID == "" || fresh.KeyID == "" || old.KeyID == fresh.KeyID || old.NotSigned != "" {
		t.Errorf("signed by %q, and after the rotation by %q", old.KeyID, fresh.KeyID)
	}
	if r := f.verify(t, keys); !r.Intact() || r.Signed != 2 || len(r.Keys) != 2 {
		t.Errorf("%s", r.String())
	}
	if err := os.WriteFile(filepath.Join(dir, "2026-09.pem"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := run(4); e.Envelope != nil || e.KeyID != "" || !strings.HasPrefix(e.NotSigned, "key 2026-09.pem: ") {
		t.Errorf("with a key that is none: %+v", e)
	}
}

package cli

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/evidence"
	"github.com/kymaros/kymaros/test/plane"
)

// chain is a test with reports, as etcd holds them.
type chain struct {
	t  *testing.T
	rt *v1alpha1.RestoreTest
}

// run runs the test, and waits until the run is cleaned up.
func (c *chain) run() {
	c.t.Helper()
	kymaros(c.t, "run", c.rt.Name, "-n", c.rt.Namespace, "--wait", "--timeout", "3m").wants(c.t, 0, "VERIFIED")
	plane.Eventually(c.t, 100*time.Millisecond, 5*time.Minute, func(ctx context.Context) error {
		now, err := cluster.Kymaros.RestoreV1alpha1().RestoreTests(c.rt.Namespace).Get(ctx, c.rt.Name, metav1.GetOptions{})
		if err == nil && (now.Status.Cleanup == nil || now.Status.Cleanup.Hygiene == nil || now.Status.Cleanup.Hygiene.Sequence != now.Status.LastRun.Sequence) {
			err = fmt.Errorf("not clean: %+v", now.Status.Cleanup)
		}
		return err
	})
}

// keys returns where etcd has the test, and its reports by number.
func (c *chain) keys() (test string, reports map[int64]string) {
	c.t.Helper()
	list, err := cluster.Kymaros.RestoreV1alpha1().RestoreReports(c.rt.Namespace).List(c.t.Context(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	const registry = "/registry/restore.kymaros.io/"
	reports = map[int64]string{}
	for _, r := range list.Items {
		reports[r.Status.Evidence.Sequence] = registry + "restorereports/" + r.Namespace + "/" + r.Name
	}
	return registry + "restoretests/" + c.rt.Namespace + "/" + c.rt.Name, reports
}

func (c *chain) get(key string) []byte {
	c.t.Helper()
	value, err := cluster.Stored(c.t.Context(), key)
	if err != nil || value == nil {
		c.t.Fatalf("%s: %v", key, err)
	}
	return value
}

func (c *chain) put(key string, value []byte) {
	c.t.Helper()
	if err := cluster.Store(c.t.Context(), key, value); err != nil {
		c.t.Fatal(err)
	}
}

// edited returns a stored report with another value of a field.
func (c *chain) edited(value []byte, edit func(report map[string]any)) []byte {
	c.t.Helper()
	var report map[string]any
	if err := json.Unmarshal(value, &report); err != nil {
		c.t.Fatal(err)
	}
	edit(report)
	body, err := json.Marshal(report)
	if err != nil {
		c.t.Fatal(err)
	}
	return body
}

// verify runs the verb until it says that: the API server takes a moment to see what etcd was told.
func (c *chain) verify(sentence string, code exit.Code, says string, args ...string) answer {
	c.t.Helper()
	var a answer
	plane.Eventually(c.t, 100*time.Millisecond, time.Minute, func(context.Context) error {
		if a = kymaros(c.t, append([]string{"verify", c.rt.Name, "-n", c.rt.Namespace}, args...)...); a.code != code || !strings.Contains(a.out, says) { //nolint:contextcheck // a program of its own
			return fmt.Errorf("%s: exit code %d, want %d and %q\n%s%s", sentence, a.code, code, says, a.out, a.err)
		}
		return nil
	})
	return a
}

func TestReportsThatAreTamperedWithInTheStoreShow(t *testing.T) {
	plane.Slow(t)
	limit := int32(4)
	c := &chain{t, shop(t, "evident", func(rt *v1alpha1.RestoreTest) {
		rt.Spec.HistoryLimit = &limit
		rt.Annotations = map[string]string{v1alpha1.AnnotationControls: "soc2-a1-3"}
	})}
	for range 2 {
		c.run()
	}
	test, _ := c.keys()
	old := c.get(test)
	c.run()
	c.verify("nobody did anything", exit.Verified, "intact #1–#3, unsigned")
	_, reports := c.keys()
	before := map[string][]byte{test: c.get(test)}
	for _, key := range reports {
		before[key] = c.get(key)
	}
	score := func(report map[string]any) { report["status"].(map[string]any)["score"] = 91 }
	for sentence, tt := range map[string]struct {
		tamper func()
		says   string
	}{
		"one is deleted":        {func() { c.put(reports[2], nil) }, "missing #2"},
		"the newest is deleted": {func() { c.put(reports[3], nil) }, "newest missing #3"},
		"all are deleted":       {func() { c.put(reports[1], nil); c.put(reports[2], nil); c.put(reports[3], nil) }, "newest missing #1–#3"},
		"one is edited":         {func() { c.put(reports[2], c.edited(before[reports[2]], score)) }, "edited #2"},
		"the newest is edited":  {func() { c.put(reports[3], c.edited(before[reports[3]], score)) }, "edited #3"},
		"the newest has other hygiene": {func() {
			c.put(reports[3], c.edited(before[reports[3]], func(r map[string]any) { r["hygiene"].(map[string]any)["status"] = "leaked" }))
		}, "edited #3"},
		"two change places": {func() {
			for at, from := range map[int64]int64{1: 2, 2: 1} {
				var other map[string]any
				if err := json.Unmarshal(before[reports[from]], &other); err != nil {
					t.Fatal(err)
				}
				c.put(reports[at], c.edited(before[reports[at]], func(r map[string]any) {
					r["status"], r["spec"], r["hygiene"] = other["status"], other["spec"], other["hygiene"]
				}))
			}
		}, "edited #1"},
		"an old one is put in the place of the newest": {func() {
			var other map[string]any
			if err := json.Unmarshal(before[reports[1]], &other); err != nil {
				t.Fatal(err)
			}
			c.put(reports[3], c.edited(before[reports[3]], func(r map[string]any) { r["status"], r["spec"] = other["status"], other["spec"] }))
		}, "forked #1"},
	} {
		tt.tamper()
		c.verify(sentence, exit.Bad, tt.says)
		for key, value := range before {
			c.put(key, value)
		}
		c.verify(sentence+", and is put back", exit.Verified, "intact #1–#3")
	}
	// A snapshot of etcd of before the last run: only who has kept the head sees it.
	head := regexp.MustCompile(`#3 sha256:([0-9a-f]{64})`).FindStringSubmatch(c.verify("head", exit.Verified, "newest: #3").out)
	c.put(test, c.edited(old, func(map[string]any) {}))
	c.put(reports[3], nil)
	c.verify("an older etcd", exit.Verified, "intact #1–#2")
	c.verify("an older etcd, with the head of a message", exit.Bad, "newest missing #3", "--head", "3:"+head[1][:12])
	for key, value := range before {
		c.put(key, value)
	}
	c.verify("all is put back", exit.Verified, "intact #1–#3", "--head", "3:"+head[1][:12])
	// Runs go on, and the surplus goes.
	for range 3 {
		c.run()
	}
	c.verify("after pruning", exit.Verified, "intact #3–#6 (since ")
	kymaros(t, "report", c.rt.Name, "-n", c.rt.Namespace).wants(t, 0, "#6 of test", "SOC 2, A1.3", "not signed")

	dir := filepath.Join(t.TempDir(), "evidence")
	kymaros(t, "export", c.rt.Name, "-n", c.rt.Namespace, "--to", dir).wants(t, 0, "4 reports of 1 tests")
	kymaros(t, "verify", "--from", dir).wants(t, 0, "intact #3–#6")
}

func TestReportsAreSignedAndKeysAreRotated(t *testing.T) {
	if err := os.MkdirAll(keyDir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(keyDir) })
	public := map[string]string{}
	key := func(name string) {
		pub, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		spki, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(keyDir, name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		public[name] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	}
	c := &chain{t, shop(t, "signed")}
	key("2026-01.pem")
	c.run()
	c.verify("no public key is there", exit.Doubtful, "unknown key")
	key("2026-06.pem")
	c.run()
	file := func(names ...string) string {
		path := filepath.Join(t.TempDir(), "pub.pem")
		var all bytes.Buffer
		for _, name := range names {
			all.WriteString(public[name])
		}
		if err := os.WriteFile(path, all.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c.verify("both keys are given", exit.Verified, "intact #1–#2, signed by", "--signed", "--key", file("2026-01.pem", "2026-06.pem"))
	c.verify("only the new key is given", exit.Doubtful, "unknown key #1", "--key", file("2026-06.pem"))
	_, err := cluster.Kube.CoreV1().ConfigMaps("kymaros-system").Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "kymaros-evidence-keys"}, Data: public,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cluster.Kube.CoreV1().ConfigMaps("kymaros-system").Delete(context.WithoutCancel(t.Context()), "kymaros-evidence-keys", metav1.DeleteOptions{})
	})
	c.verify("the ConfigMap has both", exit.Verified, "intact #1–#2, signed by", "--signed")
	_, reports := c.keys()
	whole := c.get(reports[2])
	c.put(reports[2], c.edited(whole, func(r map[string]any) { delete(r["status"].(map[string]any)["evidence"].(map[string]any), "envelope") }))
	c.verify("a signature is taken off", exit.Bad, "signature missing #2")
	c.put(reports[2], whole)
	c.forge(public["2026-06.pem"])
	dir := filepath.Join(t.TempDir(), "evidence")
	kymaros(t, "export", "-n", c.rt.Namespace, "--to", dir).wants(t, 0, "2 reports of 1 tests")
	kymaros(t, "verify", "--from", dir, "--signed").wants(t, 0, "intact #1–#2, signed by")
	recipe(t, dir)
}

// forge is an attacker who writes to etcd what they like: a chain that is right in itself, head and all, signed by a key of theirs. Then
// all is as it was. trusted is the public key that signed the newest report.
func (c *chain) forge(trusted string) {
	c.t.Helper()
	keys := evidence.Keys{}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err, keys.Add([]byte(trusted))); err != nil {
		c.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		c.t.Fatal(err)
	}
	signer, err := evidence.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		c.t.Fatal(err)
	}
	test, reports := c.keys()
	newest := reports[int64(len(reports))]
	before := map[string][]byte{test: c.get(test), newest: c.get(newest)}
	for _, tt := range []struct {
		sentence, keyID string
		code            exit.Code
		says            string
	}{
		{"somebody else's key signs", signer.ID, exit.Doubtful, "unknown key #2"},
		{"it says it is the known one", slices.Collect(maps.Keys(keys))[0], exit.Bad, "did not sign it"},
	} {
		var report v1alpha1.RestoreReport
		if err := json.Unmarshal(before[newest], &report); err != nil {
			c.t.Fatal(err)
		}
		report.Status.Score = 91
		signer.ID = tt.keyID
		if err := signer.Sign(&report); err != nil {
			c.t.Fatal(err)
		}
		record, err := evidence.OfReport(&report)
		if err != nil {
			c.t.Fatal(err)
		}
		c.put(newest, c.edited(before[newest], func(r map[string]any) { r["status"] = report.Status }))
		c.put(test, c.edited(before[test], func(r map[string]any) {
			r["status"].(map[string]any)["lastRun"].(map[string]any)["digest"] = record.Verdict
		}))
		c.verify(tt.sentence, tt.code, tt.says)
		for key, value := range before {
			c.put(key, value)
		}
		c.verify(tt.sentence+", and is put back", exit.Verified, "intact #1–#2, signed by")
	}
}

// recipe runs the commands that VERIFY.txt gives.
func recipe(t *testing.T, dir string) {
	t.Helper()
	for _, tool := range []string{"bash", "openssl", "jq", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "VERIFY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var script []string
	for line := range strings.Lines(string(text)) {
		if command := strings.TrimSpace(line); strings.HasPrefix(command, "jq ") || strings.HasPrefix(command, "printf ") || strings.HasPrefix(command, "openssl ") {
			script = append(script, command)
		}
	}
	if len(script) != 5 {
		t.Fatalf("VERIFY.txt has the commands %q", script)
	}
	seals, err := filepath.Glob(filepath.Join(dir, "reports/*/*/*.dsse.json"))
	if err != nil || len(seals) != 2 {
		t.Fatalf("%d envelopes: %v", len(seals), err)
	}
	for _, seal := range seals {
		report := strings.TrimSuffix(seal, ".dsse.json")
		body, err := os.ReadFile(seal)
		if err != nil {
			t.Fatal(err)
		}
		var e v1alpha1.Envelope
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		commands := strings.NewReplacer("REPORT", report, "KEY.pem", filepath.Join(dir, "keys", e.Signatures[0].KeyID+".pem")).Replace(strings.Join(script, "\n"))
		run := exec.Command("bash", "-euc", commands+"\nsha256sum "+report+".verdict.json")
		run.Dir = t.TempDir()
		out, err := run.CombinedOutput()
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		if err != nil || len(lines) != 3 || lines[0] != "Signature Verified Successfully" || lines[1] != strings.Fields(lines[2])[0] {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

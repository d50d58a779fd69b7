package clitest

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/exit"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// keyPair is always the same, so that outputs are.
func keyPair(t testing.TB, seed byte) (*evidence.Signer, string) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := evidence.NewSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
}

// proven is a cluster with a test, the chain of its reports, and a public key.
type proven struct {
	test    *v1alpha1.RestoreTest
	reports []*v1alpha1.RestoreReport
	records []evidence.Record
	keys    *corev1.ConfigMap
}

func newProven(t testing.TB, days int, signer *evidence.Signer, public string) *proven {
	t.Helper()
	return newProvenIn(t, "team-web", days, signer, public)
}

func newProvenIn(t testing.TB, namespace string, days int, signer *evidence.Signer, public string) *proven {
	t.Helper()
	p := &proven{test: testOf("shop", func(rt *v1alpha1.RestoreTest) { rt.Namespace = namespace })}
	if public != "" {
		p.keys = &corev1.ConfigMap{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Namespace: "kymaros-system", Name: "kymaros-evidence-keys"},
			Data: map[string]string{"2026.pem": public},
		}
	}
	for day := days; day > 0; day-- {
		p.run(t, time.Duration(day)*24*time.Hour+7*time.Hour, signer)
	}
	return p
}

// run adds the report of a run that began so long ago.
func (p *proven) run(t testing.TB, began time.Duration, signer *evidence.Signer) {
	t.Helper()
	edit := func(*v1alpha1.RestoreReportStatus) {}
	if len(p.reports) == 1 {
		edit = failed
	}
	r := report("shop-"+now.Add(-began).Format("20060102-150405"), began, edit)
	r.Namespace, r.Spec.RunID = p.test.Namespace, now.Add(-began).Format("20060102-150405")+"-abcdef"
	e := evidence.Extend(evidence.HeadOf(p.test), p.records, nil)
	e.Cluster, e.Kymaros = v1alpha1.ClusterIdentity{UID: "8f1c0a52-5f0e-4a35-9a55-0c0c3f1c5d11", Kubernetes: "v1.36.3"}, "v0.1.0"
	e.Test = v1alpha1.TestIdentity{UID: "0d9f4f4e-1c1b-4a07-8f0c-4f7a1a1f0b11", Generation: 3, SpecDigest: "sha256:" + v1alpha1.Digest(strings.Repeat("5", 64))}
	e.Controls, e.NotSigned = []string{"dora-12-2", "our-policy-7", "soc2-a1-3"}, "the controller has no --evidence-key-dir"
	r.Status.Evidence = &e
	if signer != nil {
		if err := signer.Sign(r); err != nil {
			t.Fatal(err)
		}
	}
	record := recordOf(t, r)
	p.test.Status.LastRun = &v1alpha1.LastRun{RunID: r.Spec.RunID, Sequence: e.Sequence, Digest: record.Verdict}
	p.test.Status.Cleanup = &v1alpha1.CleanupStatus{RunID: r.Spec.RunID, Hygiene: &v1alpha1.HygieneDigest{Sequence: e.Sequence, Digest: record.Hygiene}}
	p.reports, p.records = append(p.reports, r), append(p.records, record)
}

func recordOf(t testing.TB, r *v1alpha1.RestoreReport) evidence.Record {
	t.Helper()
	record, err := evidence.OfReport(r)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func (p *proven) serve(t testing.TB) string {
	t.Helper()
	all := []runtime.Object{p.test}
	if p.keys != nil {
		all = append(all, p.keys)
	}
	for _, r := range p.reports {
		all = append(all, r)
	}
	return Serve(t, all...)
}

func TestGoldenOutputOfEvidence(t *testing.T) {
	signer, public := keyPair(t, 1)
	server := newProven(t, 4, signer, public).serve(t)
	unsigned := newProven(t, 4, nil, "")
	unsigned.reports[1].Status.Score = 100
	unsigned.reports = slices.Delete(unsigned.reports, 2, 3)
	tampered := unsigned.serve(t)
	for _, verb := range []struct {
		name, server string
		args         []string
		code         exit.Code
	}{
		{"verify", server, []string{"verify", "shop", "-n", "team-web"}, 0},
		{"verify-json", server, []string{"verify", "-A", "-o", "json"}, 0},
		{"verify-tampered", tampered, []string{"verify", "-n", "team-web"}, 1},
		{"report-evidence", server, []string{"report", "shop", "-n", "team-web"}, 0},
		{"report-evidence-html", server, []string{"report", "shop", "-n", "team-web", "-o", "html"}, 0},
		{"help-verify", server, []string{"verify", "--help"}, 0},
		{"help-export", server, []string{"export", "--help"}, 0},
	} {
		for _, columns := range []int{0, 80} {
			a := Run(t, verb.server, now, columns, map[string]string{"TERM": "xterm"}, verb.args...)
			if a.Code != verb.code || a.Err != "" {
				t.Errorf("%s: exit code %d, want %d; %s", verb.name, a.Code, verb.code, a.Err)
			}
			golden(t, fmt.Sprintf("%s.%d", verb.name, columns), a.Out)
		}
	}
}

func TestVerifyAnswersInExitCodeAndText(t *testing.T) {
	signer, public := keyPair(t, 1)
	_, wrong := keyPair(t, 2)
	file := filepath.Join(t.TempDir(), "wrong.pem")
	if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, noKey, unsigned, foreign := newProven(t, 3, signer, public), newProven(t, 3, signer, ""), newProven(t, 3, nil, public), newProven(t, 3, signer, public)
	head := recordOf(t, whole.reports[2])
	foreign.reports[1].ManagedFields[0].Manager = "kubectl"
	short := "3:" + string(head.Verdict)[len("sha256:"):][:12]
	for sentence, c := range map[string]struct {
		server *proven
		args   string
		code   exit.Code
		says   string
	}{
		"an intact chain":                          {whole, "-n team-web", exit.Verified, "intact #1–#3, signed by"},
		"a head from outside":                      {whole, "shop -n team-web --head " + short, exit.Verified, "intact"},
		"a head from outside that is newer":        {whole, "shop -n team-web --head 4:" + strings.Repeat("a", 12), exit.Bad, "newest missing #4"},
		"a head from outside that is another":      {whole, "shop -n team-web --head 2:" + strings.Repeat("a", 12), exit.Bad, "edited #2"},
		"a head of no test":                        {whole, "-n team-web --head " + short, exit.Unknown, "--head is of one test"},
		"a head that is none":                      {whole, "shop -n team-web --head 3", exit.Unknown, "NUMBER:DIGEST"},
		"a key that nobody published":              {noKey, "-n team-web", exit.Doubtful, "unknown key"},
		"another key":                              {whole, "-n team-web --key " + file, exit.Doubtful, "unknown key"},
		"a file that holds no key":                 {whole, "-n team-web --key /dev/null", exit.Unknown, "no public key"},
		"reports that nobody signed":               {unsigned, "-n team-web", exit.Verified, "unsigned"},
		"reports that somebody should have signed": {unsigned, "-n team-web --signed", exit.Doubtful, "unsigned"},
		"a report that somebody else wrote":        {foreign, "-n team-web", exit.Bad, "1 reports were not written by Kymaros"},
		"a test that is not there":                 {whole, "gone -n team-web", exit.Unknown, "no head of a test gone"},
		"nothing":                                  {whole, "-n nowhere", exit.Unknown, "nothing"},
		"a directory that export did not write":    {whole, "--from /proc", exit.Unknown, "kubectl kymaros export"},
	} {
		a := Run(t, c.server.serve(t), now, 0, nil, append([]string{"verify"}, strings.Fields(c.args)...)...)
		if sentence == "nothing" {
			c.says = "no report and no test"
		}
		if a.Code != c.code || !strings.Contains(a.Out+a.Err, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", sentence, a.Code, c.code, c.says, a.Out, a.Err)
		}
	}
}

// files returns the files below a directory with what is in them.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path) //nolint:gosec // a test's own
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAnExportIsTheSameTwiceAndVerifiesOffline(t *testing.T) {
	signer, public := keyPair(t, 1)
	p := newProven(t, 4, signer, public)
	server, dir := p.serve(t), t.TempDir()
	export := func(to string, args ...string) Answer {
		return Run(t, server, now, 0, nil, append([]string{"export", "-A", "--to", filepath.Join(dir, to)}, args...)...)
	}
	for _, to := range []string{"a", "b", "a.zip", "b.zip", "a.tar", "b.tar"} {
		if a := export(to); a.Code != 0 || !strings.Contains(a.Out, "4 reports of 1 tests") {
			t.Fatalf("%s: exit code %d\n%s%s", to, a.Code, a.Out, a.Err)
		}
	}
	all := files(t, dir)
	for _, end := range []string{".zip", ".tar"} {
		if all["a"+end] != all["b"+end] || all["a"+end] == "" {
			t.Errorf("two archives %s differ", end)
		}
	}
	a, b := files(t, filepath.Join(dir, "a")), files(t, filepath.Join(dir, "b"))
	for name, body := range a {
		if b[name] != body {
			t.Errorf("%s differs", name)
		}
		if strings.HasSuffix(name, ".html") && (strings.Contains(body, "http://") || strings.Contains(body, "https://") || strings.Contains(body, "<script")) {
			t.Errorf("%s is not complete by itself", name)
		}
	}
	if len(a) != 4*4+8 {
		t.Errorf("%d files", len(a))
	}
	archive, err := zip.OpenReader(filepath.Join(dir, "a.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != len(a) {
		t.Errorf("the archive has %d files, the directory %d", len(archive.File), len(a))
	}
	for _, says := range []string{"3 of 4 runs verified (75.0 %)", "1 of 1 intact", "check 注文データ failed", "4/4"} {
		if !strings.Contains(a["index.html"], says) {
			t.Errorf("index.html does not say %q", says)
		}
	}
	for file, says := range map[string]string{"controls.csv": "our-policy-7,,,,team-web,shop,4", "population.csv": "team-web,shop,2026-11-25T03:00:00Z,shop-20261125-030000,pass,", "heads.json": `"sequence": 4`} {
		if !strings.Contains(a[file], says) {
			t.Errorf("%s does not say %q:\n%s", file, says, a[file])
		}
	}
	if v := Run(t, "http://127.0.0.1:1", now, 0, nil, "verify", "--from", filepath.Join(dir, "a")); v.Code != 0 || !strings.Contains(v.Out, "intact #1–#4, signed by") {
		t.Errorf("offline: exit code %d\n%s%s", v.Code, v.Out, v.Err)
	}
	if s := export("c.zip", "--since", "2026-11-24", "--until", "2026-11-26T00:00:00Z"); s.Code != 0 {
		t.Errorf("of a period: %d %s", s.Code, s.Err)
	}
	// Somebody edits a file, and takes one away.
	edited := filepath.Join(dir, "b", "reports", "team-web", "shop", "000002-shop-20261123-030000.report.json")
	body, err := os.ReadFile(edited) //nolint:gosec // a test's own
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(edited, bytes.Replace(body, []byte(`"score":61`), []byte(`"score":99`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "b", "reports", "team-web", "shop", "000004-shop-20261125-030000.report.json")); err != nil {
		t.Fatal(err)
	}
	v := Run(t, "http://127.0.0.1:1", now, 0, nil, "verify", "--from", filepath.Join(dir, "b"))
	if v.Code != exit.Bad || !strings.Contains(v.Out, "edited #2") || !strings.Contains(v.Out, "newest missing #4") {
		t.Errorf("tampered with offline: exit code %d\n%s%s", v.Code, v.Out, v.Err)
	}
}

func TestTheSummaryIsOfThePeriodAndTheReportsAreAll(t *testing.T) {
	server := newProven(t, 6, nil, "").serve(t) // 20 to 25 November, and that of the 21st failed
	for sentence, c := range map[string]struct {
		since, until string
		says         []string
		not          string
		due          int
	}{
		"with an exception": {"2026-11-21", "2026-11-23", []string{"1 of 2 runs verified (50.0 %)", "Exceptions", "check 注文データ failed", "2, and no report of 0", "1 of 1 that were"}, "Never proven", 2},
		"without":           {"2026-11-22", "2026-11-25", []string{"3 of 3 runs verified (100.0 %)", "3, and no report of 0"}, "Exceptions", 3},
		"of a failure":      {"2026-11-21", "2026-11-22", []string{"0 of 1 runs verified (0.0 %)", "Never proven", "0 of 1 that were"}, "100.0 %", 1},
	} {
		dir := filepath.Join(t.TempDir(), "evidence")
		if a := Run(t, server, now, 0, nil, "export", "-A", "--to", dir, "--since", c.since, "--until", c.until); a.Code != 0 {
			t.Fatalf("%s: %d %s", sentence, a.Code, a.Err)
		}
		all := files(t, dir)
		for _, text := range c.says {
			if !strings.Contains(all["index.html"], text) {
				t.Errorf("%s: index.html does not say %q", sentence, text)
			}
		}
		if strings.Contains(all["index.html"], c.not) {
			t.Errorf("%s: index.html says %q", sentence, c.not)
		}
		if n := strings.Count(all["population.csv"], "\n") - 1; n != c.due {
			t.Errorf("%s: %d runs were due, want %d:\n%s", sentence, n, c.due, all["population.csv"])
		}
		if want := fmt.Sprintf("soc2-a1-3,\"SOC 2, A1.3\",recovery plan procedures are tested,,team-web,shop,%d\n", c.due); !strings.Contains(all["controls.csv"], want) {
			t.Errorf("%s: controls.csv does not say %q:\n%s", sentence, want, all["controls.csv"])
		}
		if n := strings.Count(all["index.csv"], "\n") - 1; n != 6 {
			t.Errorf("%s: index.csv has %d reports", sentence, n)
		}
	}
}

func TestAnExportKeepsWhatTheClusterHasPrunedAndTellsWhatItHasChanged(t *testing.T) {
	p, dir := newProven(t, 3, nil, ""), filepath.Join(t.TempDir(), "evidence")
	export := func() Answer { return Run(t, p.serve(t), now, 0, nil, "export", "-n", "team-web", "--to", dir) }
	if a := export(); a.Code != 0 || !strings.Contains(a.Out, "3 of them new") {
		t.Fatalf("%d %s%s", a.Code, a.Out, a.Err)
	}
	p.run(t, 7*time.Hour, nil)
	p.reports = p.reports[1:]
	if a := export(); a.Code != 0 || !strings.Contains(a.Out, "4 reports of 1 tests") || !strings.Contains(a.Out, "1 of them new") {
		t.Errorf("with a new one, and without the oldest: %d %s%s", a.Code, a.Out, a.Err)
	}
	before := files(t, dir)
	p.reports[1].Status.Score = 1
	if a := export(); a.Code != exit.Bad || !strings.Contains(a.Out, "000003-shop-20261125-030000 is another than was exported before") {
		t.Errorf("with one that was edited: %d %s%s", a.Code, a.Out, a.Err)
	}
	for name, body := range files(t, dir) {
		if strings.HasPrefix(name, "reports/") && before[name] != body {
			t.Errorf("%s was overwritten", name)
		}
	}
	if v := Run(t, "http://127.0.0.1:1", now, 0, nil, "verify", "--from", dir); v.Code != 0 {
		t.Errorf("what was exported: %d %s%s", v.Code, v.Out, v.Err)
	}
}

func TestAnExportThatIsNotPossibleLeavesNothing(t *testing.T) {
	p, dir := newProven(t, 1, nil, ""), t.TempDir()
	for sentence, c := range map[string]struct{ args, says string }{
		"no place":         {"", "--to: say where to"},
		"no report":        {"gone --to " + dir + "/x.zip", "no report to export"},
		"no date":          {"--to " + dir + "/x.zip --since yesterday", "no date such as"},
		"no period":        {"--to " + dir + "/x.zip --since 2026-02-01 --until 2026-01-01", "--until must be after"},
		"no such a folder": {"--to " + dir + "/none/x.zip", "no such file or directory"},
	} {
		a := Run(t, p.serve(t), now, 0, nil, append([]string{"export", "-n", "team-web"}, strings.Fields(c.args)...)...)
		if a.Code != exit.Unknown || !strings.Contains(a.Err, c.says) {
			t.Errorf("%s: %d %s", sentence, a.Code, a.Err)
		}
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("%d files are left", len(left))
	}
}

package export

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/stored"
	"github.com/kymaros/kymaros/pkg/controls"
)

// sums writes what is about all reports.
func (w *writer) sums(tests []*v1alpha1.RestoreTest) error {
	slices.SortFunc(w.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.key.Namespace, b.key.Namespace), cmp.Compare(a.key.Test, b.key.Test), cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.name, b.name))
	})
	for _, id := range slices.Sorted(maps.Keys(w.chains.Keys)) {
		text, err := w.chains.Keys.PEM(id)
		if err != nil {
			return err
		}
		if err := write(w.sink, stored.KeyDir+"/"+id+".pem", text); err != nil {
			return err
		}
	}
	due := w.population(tests)
	heads, err := w.heads(tests)
	if err != nil {
		return err
	}
	results, err := indented(w.results)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		body []byte
	}{
		{stored.HeadsFile, heads}, {"verification.json", results}, {"index.csv", w.index()}, {"population.csv", due.csv()},
		{"controls.csv", w.controls()}, {"index.html", []byte(w.summary(due).HTML())}, {"VERIFY.txt", []byte(instructions)},
	} {
		if err := write(w.sink, f.name, f.body); err != nil {
			return err
		}
	}
	return nil
}

// heads are those of the tests, and of tests that a former export knew and that are gone.
func (w *writer) heads(tests []*v1alpha1.RestoreTest) ([]byte, error) {
	all := map[stored.Key]stored.Head{}
	if dir := w.sink.dir(); dir != "" {
		before, err := stored.HeadsIn(dir)
		if err != nil {
			return nil, err
		}
		for _, h := range before {
			all[stored.Key{Namespace: h.Namespace, Test: h.Test}] = h
		}
	}
	for _, rt := range tests {
		k := stored.Key{Namespace: rt.Namespace, Test: rt.Name}
		// One that goes back is no head: the older one shows what is missing.
		if h := stored.HeadOf(rt); h.Sequence > 0 && h.Sequence >= all[k].Sequence {
			all[k] = h
		}
	}
	var list []stored.Head
	for _, h := range all {
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b stored.Head) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Test, b.Test))
	})
	return indented(list)
}

func table(header []string, rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.WriteAll(append([][]string{header}, rows...)) // to memory
	return b.Bytes()
}

// plain keeps a spreadsheet from taking what an application said for a formula.
func plain(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (w *writer) index() []byte {
	rows := make([][]string, 0, len(w.rows))
	for _, r := range w.rows {
		rows = append(rows, []string{
			r.key.Namespace, r.key.Test, fmt.Sprint(r.sequence), r.name, r.started.Format(stamp), string(r.result), fmt.Sprint(r.score), r.reason, plain(r.text),
			r.backup, r.rto, r.digest, r.keyID, r.file,
		})
	}
	return table([]string{"namespace", "test", "number", "report", "started", "result", "score", "reason", "message", "backup", "rto", "digest", "key", "file"}, rows)
}

// stamp is how times are written.
const stamp = "2006-01-02T15:04:05Z"

// controls lists which tests are evidence for which controls, as their owners say.
func (w *writer) controls() []byte {
	of := map[string]map[stored.Key]int{}
	for _, r := range w.rows {
		if !w.period.has(r.started) {
			continue
		}
		for _, id := range r.controls {
			if of[id] == nil {
				of[id] = map[stored.Key]int{}
			}
			of[id][r.key]++
		}
	}
	var rows [][]string
	for _, id := range slices.Sorted(maps.Keys(of)) {
		c := controls.Of(id)
		for _, k := range slices.SortedFunc(maps.Keys(of[id]), func(a, b stored.Key) int {
			return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Test, b.Test))
		}) {
			rows = append(rows, []string{plain(id), c.Clause, c.About, c.Limit, k.Namespace, k.Test, fmt.Sprint(of[id][k])})
		}
	}
	return table([]string{"control", "clause", "evidence for", "not shown", "namespace", "test", "reports"}, rows)
}

const instructions = `How to check this evidence

With kubectl kymaros, without a cluster:

    kubectl kymaros verify --from DIRECTORY            (unpack an archive first)
    kubectl kymaros verify shop -n team --from DIRECTORY --head 212:9c1e4f6ab0d2 --key pub.pem

Give a head that left the cluster by another way, such as a notification, and a public key that you have from whoever keeps the
private one: heads.json and keys/ come from the same cluster as the reports.

Without it, for one report, REPORT being its path without .verdict.json (openssl 3, jq):

    sha256sum REPORT.verdict.json
        gives the digest of the report. status.evidence.previous of the next report of the test, by number, is the SHA-256 of
            {"hygiene":"sha256:...","verdict":"sha256:..."}
        with the digest of the canonical JSON (RFC 8785) of what REPORT.report.json has under hygiene, or null, and no line end.

    jq -r .payload REPORT.dsse.json | base64 -d >payload
    jq -r '.signatures[0].sig' REPORT.dsse.json | base64 -d >sig
    printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <payload)" | cat - payload >signed
    openssl pkeyutl -verify -pubin -inkey KEY.pem -rawin -in signed -sigfile sig
    jq -r '.subject[0].digest.sha256' payload
        must say "Signature Verified Successfully", and the digest of the report. The payload is an in-toto statement in a DSSE
        envelope, which other tools read too:
            cosign verify-blob-attestation --key KEY.pem --insecure-ignore-tlog --type https://kymaros.io/restore-report/v1 \
              --signature REPORT.dsse.json REPORT.verdict.json

What is here

    index.html         a summary, to read and to print
    index.csv          all reports
    population.csv     the runs that were due, and those of which there is no report
    controls.csv       which tests are evidence for which controls, as their owners say; it claims no compliance
    verification.json  what kubectl kymaros found when it exported, and what it did not prove
    heads.json         number and digest of the newest report of each test, as the status of the test has them
    keys/              public keys
    reports/NAMESPACE/TEST/NUMBER-REPORT
        .report.json   the report as it is stored, without labels and annotations
        .verdict.json  the bytes that its digest is of
        .dsse.json     its signature, if it has one
        .html          the report, to read and to print

A good signature says that whoever has the key signed this report. That the controller told the truth it does not say.
`

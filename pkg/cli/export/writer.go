package export

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/report"
	"github.com/kymaros/kymaros/pkg/cli/stored"
	"github.com/kymaros/kymaros/pkg/evidence"
)

// writer writes an export. Of reports that are written only rows are kept.
type writer struct {
	sink    sink
	chains  *stored.Chains
	period  period
	rows    []row
	here    map[string]bool // files of reports that the cluster has
	results []evidence.Result
	// foreign counts reports that Kymaros did not write, fresh those that were not there before. changed are those that are others than
	// were exported before.
	foreign, fresh int
	changed        []string
}

// row is a report in the index.
type row struct {
	key                           stored.Key
	file, name, run, reason, text string
	backup, digest, keyID, rto    string
	sequence                      int64
	started                       time.Time
	result                        v1alpha1.Result
	score                         int32
	controls                      []string
	sources                       []string
}

func rowOf(file string, r *stored.Report) row {
	s := r.Typed.Status
	w := row{
		key: stored.Key{Namespace: r.Record.Namespace, Test: r.Record.Test}, file: file, name: r.Record.Name, run: r.Record.RunID, reason: s.Reason,
		text: s.Message, backup: s.Backup.Name, digest: string(r.Record.Verdict), rto: string(s.RTO.Measured), sequence: r.Record.Sequence(),
		started: s.StartedAt.UTC(), result: s.Result, score: s.Score,
	}
	if s.Evidence != nil {
		w.keyID, w.controls = s.Evidence.KeyID, s.Evidence.Controls
	}
	for _, sandbox := range s.Sandboxes {
		w.sources = append(w.sources, sandbox.Source)
	}
	return w
}

// entry is a report that is ready to be written.
type entry struct {
	row    row
	record evidence.Record
	// files of the report. It has none if it is another than was exported before, which row and record are of.
	files   []packed
	changed bool
}

// look gets a report ready, with several at once.
func (w *writer) look(r *stored.Report) (entry, error) {
	file := stored.FileOf(&r.Record)
	before, err := w.sink.has(file + stored.VerdictEnd)
	if err != nil {
		return entry{}, err
	}
	if before != nil && !bytes.Equal(before, r.Verdict) {
		kept, err := stored.ReadFile(directory(w.sink.dir()).path(file + stored.StoredEnd))
		if err != nil {
			return entry{}, err
		}
		e, err := w.known(kept)
		e.row.file, e.changed = file, true
		return e, err
	}
	e, err := w.known(r)
	if err != nil {
		return e, err
	}
	whole, err := evidence.Canonical(evidence.Portable(r.Fields))
	if err != nil {
		return e, err
	}
	if err := e.pack(w.sink, stored.VerdictEnd, r.Verdict); err != nil {
		return e, err
	}
	if err := e.pack(w.sink, stored.StoredEnd, whole); err != nil {
		return e, err
	}
	if err := e.pack(w.sink, stored.PageEnd, []byte(report.ViewOfRecord(&r.Typed, &r.Record).HTML())); err != nil {
		return e, err
	}
	if r.Record.Envelope == nil {
		return e, nil
	}
	seal, err := evidence.Canonical(r.Record.Envelope)
	if err != nil {
		return e, err
	}
	return e, e.pack(w.sink, stored.SealEnd, seal)
}

func (e *entry) pack(to sink, end string, body []byte) error {
	p, err := to.pack(e.row.file+end, body)
	e.files = append(e.files, p)
	return err
}

// known returns what the sums need of a report.
func (w *writer) known(r *stored.Report) (entry, error) {
	record, err := w.chains.Check(r)
	return entry{row: rowOf(stored.FileOf(&r.Record), r), record: record}, err
}

// report writes one report.
func (w *writer) report(e entry) error {
	w.here[e.row.file] = true
	if e.changed {
		w.changed = append(w.changed, e.row.file)
	}
	for i, p := range e.files {
		if err := w.sink.put(p); err != nil {
			return err
		}
		if i == 0 && p.fresh {
			w.fresh++
		}
	}
	return w.keep(e)
}

func (w *writer) keep(e entry) error {
	w.rows = append(w.rows, e.row)
	return w.chains.Add(e.record)
}

// former takes in what a former export wrote into the directory and the cluster has no more.
func (w *writer) former() error {
	if w.sink.dir() == "" || len(w.here) == 0 {
		return nil
	}
	gone := func(file string) bool { return !w.here[file] }
	return stored.EachIn(w.sink.dir(), gone, w.known, func(e entry) error {
		if !gone(e.row.file) {
			return nil
		}
		return w.keep(e)
	})
}

func indented(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", "  ")
	return append(body, '\n'), err
}

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

// report writes one report.
func (w *writer) report(r *stored.Report) error {
	file := stored.FileOf(&r.Record)
	if w.here == nil {
		w.here = map[string]bool{}
	}
	w.here[file] = true
	verdict, err := evidence.Verdict(r.Fields)
	if err != nil {
		return err
	}
	before, err := w.sink.has(file + stored.VerdictEnd)
	if err != nil {
		return err
	}
	if before != nil && !bytes.Equal(before, verdict) {
		w.changed = append(w.changed, file)
		kept, err := stored.ReadFile(directory(w.sink.dir()).path(file + stored.StoredEnd))
		if err != nil {
			return err
		}
		w.keep(file, kept)
		return nil
	}
	w.keep(file, r)
	whole, err := evidence.Canonical(evidence.Portable(r.Fields))
	if err != nil {
		return err
	}
	files := []struct {
		end  string
		body []byte
	}{{stored.VerdictEnd, verdict}, {stored.StoredEnd, whole}, {stored.PageEnd, []byte(report.ViewOfRecord(&r.Typed, &r.Record).HTML())}}
	if e := r.Record.Envelope; e != nil {
		body, err := evidence.Canonical(e)
		if err != nil {
			return err
		}
		files = append(files, struct {
			end  string
			body []byte
		}{stored.SealEnd, body})
	}
	for i, f := range files {
		fresh, err := w.sink.put(file+f.end, f.body)
		if err != nil {
			return err
		}
		if i == 0 && fresh {
			w.fresh++
		}
	}
	return nil
}

func (w *writer) keep(file string, r *stored.Report) {
	w.rows = append(w.rows, rowOf(file, r))
	w.chains.Add(r.Record)
}

// former takes in what a former export wrote into the directory and the cluster has no more.
func (w *writer) former() error {
	if w.sink.dir() == "" || len(w.here) == 0 {
		return nil
	}
	return stored.EachIn(w.sink.dir(), func(r *stored.Report) error {
		if file := stored.FileOf(&r.Record); !w.here[file] {
			w.keep(file, r)
		}
		return nil
	})
}

func indented(v any) ([]byte, error) {
	body, err := json.MarshalIndent(v, "", "  ")
	return append(body, '\n'), err
}

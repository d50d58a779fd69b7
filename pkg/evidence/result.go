package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind of a finding.
type Kind string

// Kinds of findings.
const (
	// Edited: the report is not what was written.
	Edited Kind = "edited"
	// Missing: there is no such report, and no record says that it was pruned.
	Missing Kind = "missing"
	// NewestMissing: the head is of a newer record than the newest there is.
	NewestMissing Kind = "newest missing"
	// Forked: two reports have one number, or two heads of one number differ.
	Forked Kind = "forked"
	// Returned: the record was pruned and is there again; nothing proves that it is the one that was.
	Returned Kind = "returned"
	// Outside: the report has no place in the chain although it is younger than the chain.
	Outside Kind = "outside the chain"
	// BadSignature: the signature is not of this report, or not by the key that it names.
	BadSignature Kind = "bad signature"
	// Unsigned: the report says that it is signed, and has no signature.
	Unsigned Kind = "signature missing"
	// UnknownKey: the public key is not among those that were given.
	UnknownKey Kind = "unknown key"
)

// Finding is a way in which reports are not what was written.
type Finding struct {
	Kind Kind `json:"kind"`
	// From and To are the numbers of the first and the last record; 0 outside of the chain.
	From int64 `json:"from,omitempty"`
	To   int64 `json:"to,omitempty"`
	// Reports that it is about, by name.
	Reports []string `json:"reports,omitempty"`
	// Detail says more.
	Detail string `json:"detail,omitempty"`
}

// String says the finding in one line.
func (f Finding) String() string {
	text := string(f.Kind)
	if f.From > 0 {
		text += " " + span(f.From, f.To)
	}
	if len(f.Reports) > 0 {
		text += " (" + strings.Join(f.Reports, ", ") + ")"
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	return text
}

func span(from, to int64) string {
	if from == to {
		return fmt.Sprintf("#%d", from)
	}
	return fmt.Sprintf("#%d–#%d", from, to)
}

// Result is what the reports of one test prove.
type Result struct {
	Namespace string `json:"namespace"`
	Test      string `json:"test"`
	// Records of the chain that are there, from the number From to To; 0 if there is no chain.
	Records int   `json:"records"`
	From    int64 `json:"from,omitempty"`
	To      int64 `json:"to,omitempty"`
	// Since is when the run of the first of them began.
	Since *time.Time `json:"since,omitempty"`
	// Pruned counts the records that historyLimit has removed.
	Pruned int64 `json:"pruned,omitempty"`
	// Digest of the newest record's verdict.
	Digest string `json:"digest,omitempty"`
	// Signed counts the records with a good signature, by the keys Keys.
	Signed int      `json:"signed"`
	Keys   []string `json:"keys,omitempty"`
	// Older counts reports of versions that had no chain: nothing proves them.
	Older    int       `json:"older,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// NotProven says what follows from none of this.
	NotProven []string `json:"notProven,omitempty"`
}

// Intact tells whether there is a chain, and nothing was found.
func (r *Result) Intact() bool { return r.Records > 0 && len(r.Findings) == 0 }

// Tampered tells whether something was found that neither Kymaros does nor a key that is not at hand explains.
func (r *Result) Tampered() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Kind != UnknownKey })
}

// String says the result in one line.
func (r *Result) String() string {
	if len(r.Findings) > 0 {
		var all []string
		for _, f := range r.Findings {
			all = append(all, f.String())
		}
		return strings.Join(all, "; ")
	}
	if r.Records == 0 {
		return "no chain: there is no report that carries a number"
	}
	text := "intact " + span(r.From, r.To)
	if r.Pruned > 0 && r.Since != nil {
		text += fmt.Sprintf(" (since %s; %d earlier pruned by historyLimit)", r.Since.UTC().Format(time.RFC3339), r.Pruned)
	}
	switch {
	case r.Signed == 0:
		text += ", unsigned"
	case r.Signed < r.Records:
		text += fmt.Sprintf(", %d of %d signed by %s", r.Signed, r.Records, strings.Join(r.Keys, ", "))
	default:
		text += ", signed by " + strings.Join(r.Keys, ", ")
	}
	return text
}

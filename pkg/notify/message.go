package notify

import (
	"encoding/json"
	"time"
)

// Version is that of the JSON of a Message. Within a version fields are added, and never removed or given another meaning.
const Version = "v1"

// Event is why a message is sent.
type Event string

// Events.
const (
	// Failed: the run failed.
	Failed Event = "failed"
	// Partial: part of the backup could not be shown, or nothing was learnt of it; Result tells which.
	Partial Event = "partial"
	// Verified: the backup was restored into an application that works.
	Verified Event = "verified"
	// Recovered: it was verified, and the run before was not.
	Recovered Event = "recovered"
	// Regressed: the score fell by more than is allowed, or a check that passed before does not.
	Regressed Event = "regressed"
	// RTOExceeded: the run took longer than its target.
	RTOExceeded Event = "rtoExceeded"
	// NotVerified: no run has verified a backup for longer than the schedule lets one expect.
	NotVerified Event = "notVerified"
	// Leaked: objects of a sandbox are left.
	Leaked Event = "leaked"
	// LastGoodChanged: another backup is the last one known to be good, or none is any more.
	LastGoodChanged Event = "lastGoodChanged"
)

// Events returns all events.
func Events() []Event {
	return []Event{Failed, Partial, Verified, Recovered, Regressed, RTOExceeded, NotVerified, Leaked, LastGoodChanged}
}

// Message is what a receiver is told of one run, or of one test between its runs. Its JSON is the body of the generic webhook; see
// schema/v1.json. What is unknown is left out, or null.
type Message struct {
	// ID is the same whenever the message is sent again, and of no other: printable ASCII, such as RUN.EVENT.HASH-OF-THE-CHANNEL.
	ID string `json:"id"`
	// Event is the most severe one.
	Event Event `json:"event"`
	// Also are the others of the same run.
	Also []Event `json:"also,omitempty"`
	// Previous is the result of the run before: pass, partial, fail or inconclusive.
	Previous string  `json:"previous,omitempty"`
	Cluster  Cluster `json:"cluster"`
	Test     Test    `json:"test"`
	// Run is empty in a message between runs.
	Run string `json:"run,omitempty"`
	// Result is pass, partial, fail or inconclusive.
	Result string `json:"result,omitempty"`
	// Score is 0 to 100.
	Score         *int `json:"score"`
	PreviousScore *int `json:"previousScore"`
	// Reason is that of the RestoreReport, or of the condition, in CamelCase.
	Reason string `json:"reason,omitempty"`
	// Message is a sentence for people. It may hold text of the application.
	Message string `json:"message"`
	// NextStep is what to do, in a sentence or two; empty if nothing is.
	NextStep string `json:"nextStep,omitempty"`
	Backup   Backup `json:"backup,omitzero"`
	RTO      RTO    `json:"rto"`
	// NotTested counts what the run left out.
	NotTested int      `json:"notTested"`
	Report    Report   `json:"report,omitzero"`
	LastGood  LastGood `json:"lastGood,omitzero"`
	// URL is the page of the report, empty if the address of the dashboard is not known.
	URL string `json:"url,omitempty"`
	// Consecutive counts the runs in a row that ended so, this one included; 0: unknown.
	Consecutive int `json:"consecutive,omitempty"`
	// Time is when the event happened, not when the message is sent.
	Time time.Time `json:"time"`
}

// Cluster is where the test ran.
type Cluster struct {
	// ID is the UID of namespace kube-system.
	ID string `json:"id"`
	// Name is what people call it, if an administrator has said so.
	Name string `json:"name,omitempty"`
}

// Test is the RestoreTest.
type Test struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Backup is the one that was restored.
type Backup struct {
	Name string `json:"name"`
	// AgeSeconds is how old it was when the run began.
	AgeSeconds int64 `json:"ageSeconds"`
}

// RTO is how long the restore took, and may take.
type RTO struct {
	Seconds       *int64 `json:"seconds"`
	TargetSeconds *int64 `json:"targetSeconds"`
}

// Report is the RestoreReport. Its sequence and digest, once outside of the cluster, show whether reports were changed or removed.
type Report struct {
	Name string `json:"name"`
	// Sequence counts the reports of the test, from 1; 0: unknown.
	Sequence int64 `json:"sequence,omitempty"`
	// Digest is "sha256:" and 64 hexadecimal digits.
	Digest string `json:"digest,omitempty"`
}

// LastGood is the newest backup that is known to restore.
type LastGood struct {
	Backup string `json:"backup"`
	// Time is when that was shown.
	Time time.Time `json:"time,omitzero"`
	// Report is the name of the RestoreReport that shows it.
	Report string `json:"report,omitempty"`
}

// MarshalJSON adds the version, and the fields that receivers of Kymaros have known since before there was one.
func (m Message) MarshalJSON() ([]byte, error) {
	type plain Message
	v := struct {
		Version string `json:"version"`
		plain
		TestName   string
		OldScore   int    `json:"Score"`
		OldResult  string `json:"Result"`
		ReportRef  string
		OldMessage string `json:"Message"`
	}{Version: Version, plain: plain(m), TestName: m.Test.Name, OldResult: m.Result, ReportRef: m.Report.Name, OldMessage: m.Message}
	if m.Score != nil {
		v.OldScore = *m.Score
	}
	return json.Marshal(v)
}

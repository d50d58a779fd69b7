package clitest

import (
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/cli/exit"
)

func TestVerbsAnswerInExitCodeAndText(t *testing.T) {
	server := Serve(t, scene()...)
	for sentence, c := range map[string]struct {
		args string
		code exit.Code
		says string // on standard output, or as the error
	}{
		"a gate that asks nothing does not open":          {"gate -A -l tier=none", exit.Unknown, "would let everything pass"},
		"a gate of one test that is verified opens":       {"gate shop -n team-web", exit.Verified, "backup nightly-20261126020000 passed"},
		"a gate of several is as bad as the worst":        {"gate shop billing-and-invoices-of-all-regions -n team-web", exit.Bad, "billing"},
		"a gate has no score above 100":                   {"gate shop --min-score 101", exit.Unknown, "0 to 100"},
		"a gate with a score that is too high stays shut": {"gate shop -n team-web --min-score 99", exit.Doubtful, "--min-score is 99"},
		"a test that is not there could not be told":      {"gate gone -n team-web", exit.Unknown, "lists the tests"},
		"the last good backup may be too old":             {"last-good shop -n team-web --max-age 1h", exit.Doubtful, "older than --max-age"},
		"a negative age is refused":                       {"last-good shop -n team-web --max-age -1h", exit.Unknown, "must not be negative"},
		"a backup that is gone is not the last good one":  {"last-good billing-and-invoices-of-all-regions -n team-web", exit.Doubtful, "has it no more"},
		"the last good backup as data":                    {"last-good shop -n team-web -o json", exit.Verified, `"exists": "yes"`},
		"a reason however it is written":                  {"explain checkfailed", exit.Verified, "CheckFailed"},
		"a reason that is none":                           {"explain checkfaild", exit.Unknown, "lists all"},
		"all reasons":                                     {"explain", exit.Verified, "SAYS OF THE BACKUP"},
		"an unknown flag says where to look":              {"get --foo", exit.Unknown, "get --help"},
		"an unknown verb says where to look":              {"got", exit.Unknown, "--help"},
		"reports of no test":                              {"history gone -n team-web", exit.Unknown, "lists the tests"},
		"no test in a namespace":                          {"get -n nowhere", exit.Verified, "init NAMESPACE"},
	} {
		a := Run(t, server, now, 0, nil, strings.Fields(c.args)...)
		if a.Code != c.code || !strings.Contains(a.Out+a.Err, c.says) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", sentence, a.Code, c.code, c.says, a.Out, a.Err)
		}
		if (a.Err != "") != (c.code == exit.Unknown) && c.args != "get -n nowhere" {
			t.Errorf("%s: standard error has %q", sentence, a.Err)
		}
	}
}

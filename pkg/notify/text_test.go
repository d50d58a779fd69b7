package notify

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestFactsAreToldInTheOrderInWhichOneWantsThem(t *testing.T) {
	m := message()
	want := []fact{
		{"Cluster", "prod-eu-1"}, {"Backup", "pay-nightly-20261126, 1h00m old"}, {"Also", "regressed, rtoExceeded"}, {"Reason", "CheckFailed"}, {"In a row", "2"},
		{"Restored in", "22m52s, target 15m00s"}, {"Not tested", "6"}, {"Last good", "pay-nightly-20261125, 2026-11-25T03:09:00Z"},
		{"Report", "billing-20261126-030004 #212 3f9a00000000"}, {"Command", "kubectl kymaros report billing-20261126-030004 -n team-pay"},
	}
	if got := m.facts(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Also, m.Consecutive, m.RTO.TargetSeconds, m.NotTested, m.LastGood.Time, m.Report.Sequence, m.Report.Digest = nil, 1, nil, 1, time.Time{}, 1, "sha256:3f9a0000000"
	m.Cluster.Name, m.LastGood.Time = "", time.Date(2026, 11, 25, 5, 9, 0, 0, time.FixedZone("", 7200))
	want = []fact{
		{"Cluster", m.Cluster.ID}, want[1], want[3], {"Restored in", "22m52s"}, {"Not tested", "1"}, want[7], {"Report", "billing-20261126-030004 #1"}, want[9],
	}
	if got := m.facts(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	least := Message{Cluster: Cluster{ID: "c"}}
	if got := least.facts(); !reflect.DeepEqual(got, []fact{{"Cluster", "c"}}) {
		t.Errorf("of a message that says nothing: got %q", got)
	}
}

func TestTheHeadlineTellsTheScoreAndTheOneBefore(t *testing.T) {
	for want, c := range map[string]struct{ now, before *int }{
		"Restore test team-pay/billing failed":                    {nil, new(98)},
		"Restore test team-pay/billing failed, score 61":          {new(61), nil},
		"Restore test team-pay/billing failed, score 98":          {new(98), new(98)},
		"Restore test team-pay/billing failed, score 98, was 61":  {new(98), new(61)},
		"Restore test team-pay/billing failed, score 61, was 100": {new(61), new(100)},
	} {
		m := message()
		m.Score, m.PreviousScore = c.now, c.before
		if got := m.headline(400); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	m := message()
	m.Event = Event("new\u202e" + strings.Repeat("w", 100))
	if got := m.verdict(); got != "new"+strings.Repeat("w", 36)+"…" {
		t.Errorf("of an event that nobody knows is said %q", got)
	}
}

func TestEachEventHasItsTone(t *testing.T) {
	for event, want := range map[Event]tone{
		Failed: bad, Partial: warning, Verified: good, Recovered: good, Regressed: warning, RTOExceeded: warning, NotVerified: warning, Leaked: warning,
		LastGoodChanged: neutral, "new": warning,
	} {
		m := message()
		m.Event = event
		if got := m.tone(); got != want {
			t.Errorf("%s: got %s, want %s", event, got.sign(), want.sign())
		}
	}
	if got := bad.sign() + warning.sign() + good.sign() + neutral.sign(); got != "✖▲✔●" {
		t.Errorf("the signs are %s", got)
	}
}

func TestTextIsMadeOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"  a \r\n\t b\u00a0c\u2028 ": "a b c",
		"a\x00\x1b[31mb":             "a[31mb",
		"a\u202eb\u200bc\ufeffd":     "abcd", // what turns the direction, or is not seen
		"a\ue000b\U00100000c":        "abc",  // of private use
		"می\u200cخواهم क\u200dष":     "می\u200cخواهم क\u200dष",
		"a\xffb":                     "a\ufffdb",
	} {
		if got := clean(text, 100); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"": "", "1234567890": "1234567890", "12345678901": "123456789…", "12345678 901": "12345678…", "üüüüüüüüüüü": "üüüüüüüüü…",
	} {
		if got := clean(text, 10); got != want {
			t.Errorf("%q cut to ten characters: got %q, want %q", text, got, want)
		}
	}
}

func TestDurationsHaveTheirTwoLargestUnits(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0s", 59: "59s", 60: "1m00s", 61: "1m01s", 3599: "59m59s", 3600: "1h00m", 7384: "2h03m", 86400: "24h00m", 172799: "47h59m", 172800: "2d", 864000: "10d",
	} {
		if got := seconds(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestWhatIsEscapedIsCutNoMoreThanItMust(t *testing.T) {
	double := func(s string) string { return strings.Repeat(s, 2) }
	if got := fit("12345", 10, double); got != "1234512345" {
		t.Errorf("what fits is %q", got)
	}
	if got := fit(strings.Repeat("x", 40), 50, double); len([]rune(got)) > 50 || len([]rune(got)) < 30 {
		t.Errorf("of what does not fit is left %q", got)
	}
}

func TestOnlyWhatABrowserMayOpenIsALink(t *testing.T) {
	for address, want := range map[string]bool{
		"https://kymaros.example.org/r": true, "http://kymaros.example.org": true, "": false, "javascript:alert(1)": false, "javascript://example.org/%0aalert(1)": false,
		"ftp://example.org/": false, "data://text": false, "/reports": false, "https://": false, "https://exa mple.org": false,
	} {
		m := message()
		m.URL = address
		if got := m.link(); got != map[bool]string{true: address}[want] {
			t.Errorf("%q: got %q", address, got)
		}
		if said := strings.Contains(m.text(same), "://"); said != want {
			t.Errorf("%q: the text is %q", address, m.text(same))
		}
	}
}

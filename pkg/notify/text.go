package notify

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// tone is what an event means to whoever reads it.
type tone int

const (
	bad tone = iota
	warning
	good
	neutral
)

func (m *Message) tone() tone {
	switch m.Event {
	case Failed:
		return bad
	case Verified, Recovered:
		return good
	case LastGoodChanged:
		if m.LastGood.Backup == "" {
			return warning
		}
		return neutral
	case Partial, Regressed, RTOExceeded, NotVerified, Leaked:
	}
	return warning
}

// sign is the tone in one character that every font has.
func (t tone) sign() string { return [...]string{"✖", "▲", "✔", "●"}[t] }

// verdict says in a clause what happened to the test.
func (m *Message) verdict() string {
	switch m.Event {
	case Failed:
		return "failed"
	case Partial:
		if m.Result == "inconclusive" {
			return "told nothing of the backup"
		}
		return "passed only in part"
	case Verified:
		return "verified the backup"
	case Recovered:
		return "has recovered"
	case Regressed:
		return "got worse"
	case RTOExceeded:
		return "took longer than its target"
	case NotVerified:
		return "has verified no backup in time"
	case Leaked:
		return "left objects behind"
	case LastGoodChanged:
		if m.LastGood.Backup == "" {
			return "knows of no good backup any more"
		}
		return "knows of another good backup"
	}
	return clean(string(m.Event), 40)
}

// name is what people call the test.
func (m *Message) name() string {
	return clean(m.Test.Namespace, 63) + "/" + clean(m.Test.Name, 253)
}

// headline is the message in one line of at most so many characters.
func (m *Message) headline(most int) string {
	line := "Restore test " + m.name() + " " + m.verdict()
	if m.Score != nil {
		line += ", score " + m.score()
	}
	return clean(line, most)
}

func (m *Message) score() string {
	text := strconv.Itoa(*m.Score)
	if m.PreviousScore != nil && *m.PreviousScore != *m.Score {
		text += ", was " + strconv.Itoa(*m.PreviousScore)
	}
	return text
}

// fact is something that is told beside the message.
type fact struct{ label, value string }

// facts are in the order in which one wants to know them, at most ten: what Slack takes.
func (m *Message) facts() []fact {
	var all []fact
	add := func(label, value string) {
		if value = clean(value, 300); value != "" {
			all = append(all, fact{label, value})
		}
	}
	cluster := m.Cluster.Name
	if cluster == "" {
		cluster = m.Cluster.ID
	}
	add("Cluster", cluster)
	if m.Backup.Name != "" {
		add("Backup", m.Backup.Name+", "+seconds(m.Backup.AgeSeconds)+" old")
	}
	var also []string
	for _, e := range m.Also {
		also = append(also, string(e))
	}
	add("Also", strings.Join(also, ", "))
	add("Reason", m.Reason)
	if m.Consecutive > 1 {
		add("In a row", strconv.Itoa(m.Consecutive))
	}
	if m.RTO.Seconds != nil {
		took := seconds(*m.RTO.Seconds)
		if m.RTO.TargetSeconds != nil {
			took += ", target " + seconds(*m.RTO.TargetSeconds)
		}
		add("Restored in", took)
	}
	if m.NotTested > 0 {
		add("Not tested", strconv.Itoa(m.NotTested))
	}
	if m.LastGood.Backup != "" {
		last := m.LastGood.Backup
		if !m.LastGood.Time.IsZero() {
			last += ", " + m.LastGood.Time.UTC().Format(time.RFC3339)
		}
		add("Last good", last)
	}
	add("Report", m.report())
	if m.Report.Name != "" {
		add("Command", "kubectl kymaros report "+m.Report.Name+" -n "+m.Test.Namespace)
	}
	return all
}

// report names the report, with so much of its digest that it cannot be made up later.
func (m *Message) report() string {
	text := m.Report.Name
	if m.Report.Sequence > 0 {
		text += " #" + strconv.FormatInt(m.Report.Sequence, 10)
	}
	if digest, ok := strings.CutPrefix(m.Report.Digest, "sha256:"); ok && len(digest) >= 12 {
		text += " " + digest[:12]
	}
	return text
}

// link is the page of the report, empty unless it is one that a browser may open.
func (m *Message) link() string {
	u, err := url.Parse(m.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.String()
}

// sentence and nextStep are what an application may have had a part in writing.
func (m *Message) sentence() string { return clean(m.Message, 1500) }
func (m *Message) nextStep() string { return clean(m.NextStep, 500) }

// text is the whole message for receivers that know lines only. Each piece goes through escape.
func (m *Message) text(escape func(string) string) string {
	lines := []string{m.tone().sign() + " " + escape(m.headline(400))}
	for _, paragraph := range []string{m.sentence(), m.nextStep()} {
		if paragraph != "" {
			lines = append(lines, "", escape(paragraph))
		}
	}
	lines = append(lines, "")
	for _, f := range m.facts() {
		lines = append(lines, f.label+": "+escape(f.value))
	}
	if link := m.link(); link != "" {
		lines = append(lines, "", link)
	}
	return strings.Join(lines, "\n")
}

// clean makes one line of at most so many characters of what anybody may have written: no control character, nothing that turns the
// direction of writing or cannot be seen, no byte that is not UTF-8.
func clean(s string, most int) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == '\u200c' || r == '\u200d': // joiners belong to words of some languages
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return cut(b.String(), most)
}

// cut keeps so many characters at most, the last of them an ellipsis if there were more.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:most-1]), " ") + "…"
}

// fit escapes as much of a text as fits into so many characters.
func fit(s string, most int, escape func(string) string) string {
	for n := utf8.RuneCountInString(s); ; n = n * 3 / 4 {
		if escaped := escape(cut(s, n)); utf8.RuneCountInString(escaped) <= most {
			return escaped
		}
	}
}

// mute keeps text from being more than text in chats that know no way to say so: an invisible space stands after each character that
// begins a mention or the address of a link.
func mute(s string) string {
	return strings.NewReplacer("@", "@\u200b", "<", "<\u200b", "](", "]\u200b(").Replace(s)
}

// seconds prints a duration in its two largest units.
func seconds(n int64) string {
	d := time.Duration(n) * time.Second
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd", n/86400)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%02dm", n/3600, n/60%60)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%02ds", n/60, n%60)
	}
	return d.String()
}

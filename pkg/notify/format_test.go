package notify

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
)

func quoted(r io.Reader) io.Reader { return quotedprintable.NewReader(r) }

// build makes the request of a type.
func build(t *testing.T, c Channel, m Message) (*request, error) {
	t.Helper()
	switch c.Type {
	case Slack:
		return slack(&c, &m)
	case Webhook:
		return webhook(&c, &m, time.Unix(1795662417, 0))
	case PagerDuty:
		return pagerDuty(&c, &m)
	case Teams:
		return teams(&c, &m)
	case Opsgenie:
		return opsgenie(&c, &m)
	case Discord:
		return discord(&c, &m)
	case URL:
		return service(&c, &m)
	}
	t.Fatalf("no request is made for %s", c.Type)
	return nil, nil
}

func mustBuild(t *testing.T, c Channel, m Message) (*request, map[string]any) {
	t.Helper()
	r, err := build(t, c, m)
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(r.body, &body); err != nil {
		t.Fatalf("%s: %v in %s", c.Type, err, r.body)
	}
	return r, body
}

// told wants a receiver to get exactly this.
func told(t *testing.T, who string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s gets\n%#v, want\n%#v", who, got, want)
	}
}

func TestWhatReceiversOfKymarosHaveAlwaysKnown(t *testing.T) {
	r, _ := mustBuild(t, channel(Webhook, "https://example.org"), message())
	for _, want := range []string{`"TestName":"billing"`, `"Score":61`, `"Result":"fail"`, `"ReportRef":"billing-20261126-030004"`, `"Message":"Check rows: 812, at least 1,000 expected"`,
		`"score":61`, `"rto":{"seconds":1372,"targetSeconds":900}`, `"backup":{"name":"pay-nightly-20261126","ageSeconds":3600}`} {
		if !strings.Contains(string(r.body), want) {
			t.Errorf("%s is not in %s", want, r.body)
		}
	}
	_, body := mustBuild(t, channel(Slack, "https://example.org"), message())
	if want := ":x: *Kymaros* — `billing` score: *61/100* (fail)\nCheck rows: 812, at least 1,000 expected"; body["text"] != want || body["channel"] != "#backups" {
		t.Errorf("Slack gets %q in %q, want %q", body["text"], body["channel"], want)
	}
}

func TestAWebhookIsACloudEvent(t *testing.T) {
	r, _ := mustBuild(t, channel(Webhook, "https://example.org"), message())
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer b3arer",
		"ce-specversion": "1.0", "ce-id": message().ID, "ce-type": "io.kymaros.restoretest.failed.v1", "ce-time": "2026-11-26T03:09:12Z",
		"ce-source":  "/clusters/8f1c0f0a-0000-4000-8000-000000000001/namespaces/team-pay/restoretests/billing",
		"webhook-id": message().ID, "webhook-timestamp": "1795662417",
	} {
		if r.header[name] != want {
			t.Errorf("%s is %q, want %q", name, r.header[name], want)
		}
	}
}

func TestASignatureIsThatOfStandardWebhooks(t *testing.T) {
	// The example that the libraries of Standard Webhooks are tested with.
	const key, signed = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	sum := func(keys string) string {
		got, err := sign("signing-key", keys, "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.", []byte(`{"test": 2432232314}`))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := sum(key); got != signed {
		t.Errorf("got %s, want %s", got, signed)
	}
	other := base64.StdEncoding.EncodeToString([]byte("another key of 24 bytes."))
	if got := strings.Fields(sum(other + "\n" + key)); len(got) != 2 || got[1] != signed {
		t.Errorf("two keys give %q", got)
	}
	r, _ := mustBuild(t, channel(Webhook, "https://example.org"), message())
	again, err := sign("", key, message().ID+".1795662417.", r.body)
	if err != nil || r.header["webhook-signature"] != again {
		t.Errorf("the signature is %q, and of what is sent %q %v", r.header["webhook-signature"], again, err)
	}
	for _, bad := range []string{"whsec_", "whsec_c2hvcnQ=", "no base64!", key + " c2hvcnQ="} {
		c := channel(Webhook, "https://example.org")
		c.Secret["signing-key"] = []byte(bad)
		if _, err := build(t, c, message()); err == nil || !strings.HasPrefix(err.Error(), `"signing-key" of the Secret is no base64 of 24 bytes or more`) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestWhatElseASecretOfAWebhookMayHold(t *testing.T) {
	c := channel(Webhook, "")
	signed, _ := mustBuild(t, channel(Webhook, "https://example.org"), message())
	c.Secret = map[string][]byte{"webhook-url": []byte(" https://example.org/hook\n"), "secret": c.Secret["signing-key"]}
	r, _ := mustBuild(t, c, message())
	if got := r.header["webhook-signature"]; got == "" || got != signed.header["webhook-signature"] || r.url.String() != "https://example.org/hook" {
		t.Errorf("%s gets the signature %q, want %q", r.url, got, signed.header["webhook-signature"])
	}
	c.Secret["url"] = []byte("https://example.org/first")
	r, _ = mustBuild(t, c, message())
	if r.url.String() != "https://example.org/first" {
		t.Errorf("of two addresses %s is asked", r.url)
	}
	delete(c.Secret, "secret")
	r, _ = mustBuild(t, c, message())
	for _, header := range []string{"webhook-signature", "Authorization"} {
		if value, ok := r.header[header]; ok {
			t.Errorf("%s is %q, and no key is there", header, value)
		}
	}
	for _, value := range []string{"Bearer é", "Bearer a\r\nX-Other: b"} {
		c.Secret["authorization"] = []byte(value)
		if _, err := build(t, c, message()); err == nil || !strings.HasPrefix(err.Error(), `"authorization" of the Secret is no line of ASCII`) {
			t.Errorf("%q: %v", value, err)
		}
	}
	delete(c.Secret, "authorization")
	m := message()
	m.ID, m.Test.Name, m.Time = "a\r\nb\u00e9", "bill/ing?", m.Time.In(time.FixedZone("", 7200))
	r, _ = mustBuild(t, c, m)
	if r.header["ce-id"] != "ab" || r.header["webhook-id"] != "ab" || !strings.HasSuffix(r.header["ce-source"], "/restoretests/bill%2Fing%3F") || r.header["ce-time"] != "2026-11-26T03:09:12Z" {
		t.Errorf("the headers are %q", r.header)
	}
}

func TestTheKeysThatAreReadOfASecret(t *testing.T) {
	for channelType, want := range map[string][]string{
		Slack: {"url", "webhook-url"}, Teams: {"url", "webhook-url"}, Discord: {"url", "webhook-url"},
		Webhook: {"url", "webhook-url", "signing-key", "secret", "authorization"}, PagerDuty: {"routing-key", "url"}, Opsgenie: {"api-key", "url"}, URL: {"url"},
		Email: nil, "sms": nil,
	} {
		if got := SecretKeys(channelType); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, want %q", channelType, got, want)
		}
	}
}

func TestATestIsOneSubjectInEachCluster(t *testing.T) {
	m := message()
	m.Cluster.ID = ""
	if got := m.subject(); got != "kymaros/prod-eu-1/team-pay/billing" {
		t.Errorf("without the ID of the cluster the key is %s", got)
	}
	m.Test.Name = strings.Repeat("t", 255-len("kymaros/prod-eu-1/team-pay/"))
	if got := m.subject(); len(got) != 255 || !strings.HasPrefix(got, "kymaros/prod-eu-1/") {
		t.Errorf("the longest key is %s", got)
	}
	m.Test.Name += "t"
	if got := m.subject(); len(got) != len("kymaros/")+32 {
		t.Errorf("the key of a name that is too long is %s", got)
	}
}

func TestOneIncidentForATest(t *testing.T) {
	const key = "kymaros/8f1c0f0a-0000-4000-8000-000000000001/team-pay/billing"
	for event, want := range map[Event]struct{ action, severity, path, opsgenie, priority string }{
		Failed:          {"trigger", "critical", "/v2/enqueue", "/v2/alerts", "P1"},
		Partial:         {"trigger", "warning", "/v2/enqueue", "/v2/alerts", "P3"},
		NotVerified:     {"trigger", "warning", "/v2/enqueue", "/v2/alerts", "P3"},
		Leaked:          {"trigger", "warning", "/v2/enqueue", "/v2/alerts", "P3"},
		Verified:        {"resolve", "info", "/v2/enqueue", "/v2/alerts/kymaros%2F8f1c0f0a-0000-4000-8000-000000000001%2Fteam-pay%2Fbilling/close", ""},
		Recovered:       {"resolve", "info", "/v2/enqueue", "/v2/alerts/kymaros%2F8f1c0f0a-0000-4000-8000-000000000001%2Fteam-pay%2Fbilling/close", ""},
		LastGoodChanged: {"", "", "/v2/change/enqueue", "/v2/alerts", "P5"},
	} {
		m := message()
		m.Event = event
		c := channel(PagerDuty, "")
		r, body := mustBuild(t, c, m)
		payload := body["payload"].(map[string]any)
		path := func(u *url.URL) string { return "/" + strings.TrimPrefix(u.EscapedPath(), "/") }
		str := func(v any) string { s, _ := v.(string); return s }
		if r.url.Host != "events.pagerduty.com" || path(r.url) != want.path || str(body["event_action"]) != want.action || str(payload["severity"]) != want.severity || body["routing_key"] != "r0utingkey" {
			t.Errorf("%s: PagerDuty at %s gets %s", event, r.url, r.body)
		}
		if event != LastGoodChanged && body["dedup_key"] != key {
			t.Errorf("%s: the key is %v", event, body["dedup_key"])
		}
		r, body = mustBuild(t, channel(Opsgenie, "https://api.eu.opsgenie.com"), m)
		alias := map[bool]string{true: key + "/lastGood", false: key}[event == LastGoodChanged]
		if r.url.Host != "api.eu.opsgenie.com" || path(r.url) != want.opsgenie || str(body["priority"]) != want.priority || r.header["Authorization"] != "GenieKey ap1key" ||
			want.action != "resolve" && body["alias"] != alias || want.action == "resolve" && r.url.RawQuery != "identifierType=alias" {
			t.Errorf("%s: Opsgenie at %s gets %s", event, r.url, r.body)
		}
	}
	long := message()
	long.Test = Test{strings.Repeat("n", 63), strings.Repeat("t", 253)}
	other := long
	other.Test.Name = "x" + strings.Repeat("t", 252)
	if a, b := long.subject(), other.subject(); len(a) > 255 || a == b {
		t.Errorf("keys of long names are %s and %s", a, b)
	}
}

func TestWhatAnIncidentTells(t *testing.T) {
	m := message()
	details := map[string]any{"Event": "failed", "Message": m.Message, "Next step": m.NextStep}
	for _, f := range m.facts() {
		details[f.label] = f.value
	}
	const subject = "kymaros/8f1c0f0a-0000-4000-8000-000000000001/team-pay/billing"
	_, body := mustBuild(t, channel(PagerDuty, ""), m)
	told(t, "PagerDuty", body, map[string]any{
		"routing_key": "r0utingkey", "dedup_key": subject, "client": "Kymaros", "event_action": "trigger",
		"links": []any{map[string]any{"href": m.URL, "text": "Report"}},
		"payload": map[string]any{"summary": m.headline(1024), "source": subject, "timestamp": "2026-11-26T03:09:12Z", "severity": "critical",
			"component": "team-pay/billing", "class": "CheckFailed", "custom_details": details},
	})
	_, body = mustBuild(t, channel(Opsgenie, "https://example.org"), m)
	told(t, "Opsgenie", body, map[string]any{
		"source": "kymaros", "alias": subject, "message": m.headline(130), "description": m.text(mute), "entity": "team-pay/billing", "details": details,
		"tags": []any{"kymaros", "failed"}, "priority": "P1",
	})
	m.Event, m.NextStep, m.URL = Recovered, "", ""
	_, body = mustBuild(t, channel(Opsgenie, "https://example.org"), m)
	told(t, "Opsgenie, of a recovery,", body, map[string]any{"source": "kymaros", "note": m.headline(1000)})
	_, body = mustBuild(t, channel(PagerDuty, ""), m)
	if _, ok := body["payload"].(map[string]any)["custom_details"].(map[string]any)["Next step"]; ok || body["links"] != nil {
		t.Errorf("PagerDuty gets %v, though there is no next step and no page", body)
	}
	c := channel(Opsgenie, "")
	r, _ := mustBuild(t, c, m)
	if r.url.Host != "api.opsgenie.com" {
		t.Errorf("Opsgenie is asked at %s", r.url)
	}
	for _, key := range []string{"", "ap1k\u00e9y"} {
		c.Secret["api-key"] = []byte(key)
		if _, err := build(t, c, m); err == nil || !strings.HasPrefix(err.Error(), `the Secret has no key "api-key"`) {
			t.Errorf("a key %q: %v", key, err)
		}
	}
}

// What an event means is seen before it is read.
func TestChatsShowWhatAnEventMeans(t *testing.T) {
	for event, want := range map[Event]struct {
		color        float64
		teams, slack string
	}{
		Failed: {0xd1242f, "Attention", ":x: "}, Partial: {0xbf8700, "Warning", ":warning: "}, Recovered: {0x1a7f37, "Good", ":white_check_mark: "},
		LastGoodChanged: {0x0969da, "Default", ":information_source: "},
	} {
		m := message()
		m.Event = event
		_, body := mustBuild(t, channel(Discord, "https://example.org"), m)
		if got := body["embeds"].([]any)[0].(map[string]any)["color"]; got != want.color {
			t.Errorf("%s: Discord shows color %v, want %v", event, got, want.color)
		}
		if title := firstRun(t, m); title["color"] != want.teams || title["text"] != m.tone().sign()+" "+m.headline(200) {
			t.Errorf("%s: Teams shows %v, want %s", event, title, want.teams)
		}
		_, body = mustBuild(t, channel(Slack, "https://example.org"), m)
		if text := body["text"].(string); !strings.HasPrefix(text, want.slack) {
			t.Errorf("%s: Slack shows %q, want %s", event, text, want.slack)
		}
	}
}

// card is what Teams gets.
func card(t *testing.T, m Message) map[string]any {
	t.Helper()
	_, body := mustBuild(t, channel(Teams, "https://example.org"), m)
	attachment := body["attachments"].([]any)[0].(map[string]any)
	if body["type"] != "message" || attachment["contentType"] != "application/vnd.microsoft.card.adaptive" {
		t.Errorf("Teams gets %v", body)
	}
	return attachment["content"].(map[string]any)
}

func firstRun(t *testing.T, m Message) map[string]any {
	t.Helper()
	return card(t, m)["body"].([]any)[0].(map[string]any)["inlines"].([]any)[0].(map[string]any)
}

func TestTeamsGetsACardThatItKnows(t *testing.T) {
	m := message()
	c := card(t, m)
	if c["type"] != "AdaptiveCard" || c["version"] != "1.2" || c["fallbackText"] != m.headline(200) {
		t.Errorf("the card is %v", c)
	}
	told(t, "Teams", c["actions"], []any{map[string]any{"type": "Action.OpenUrl", "title": "Open the report", "url": m.URL}})
	rows := c["body"].([]any)
	if want := 3 + len(m.facts()); len(rows) != want {
		t.Errorf("Teams gets %d rows, want %d", len(rows), want)
	}
	told(t, "Teams", rows[3], map[string]any{"type": "RichTextBlock", "inlines": []any{
		map[string]any{"type": "TextRun", "text": "Cluster: ", "weight": "Bolder"}, map[string]any{"type": "TextRun", "text": "prod-eu-1"},
	}})
	m.URL = "javascript:alert(1)"
	if c := card(t, m); c["actions"] != nil {
		t.Errorf("Teams opens %v", c["actions"])
	}
}

func TestDiscordGetsTextThatItDoesNotFormat(t *testing.T) {
	m := message()
	m.Message = "\\ * _ ~ ` | > # - [a](b) <c:d> @e"
	_, body := mustBuild(t, channel(Discord, "https://example.org"), m)
	embed := body["embeds"].([]any)[0].(map[string]any)
	told(t, "Discord", embed["description"], `\\ \* \_ \~ \`+"`"+` \| \> \# \- \[a\]\(b\) \<c\:d\> \@e`+"\n\nLook at the restored database.")
	told(t, "Discord", embed["timestamp"], "2026-11-26T03:09:12Z")
	told(t, "Discord", embed["url"], m.URL)
	told(t, "Discord", embed["fields"].([]any)[0], map[string]any{"name": "Cluster", "value": `prod\-eu\-1`, "inline": true})
	m.URL = ""
	_, body = mustBuild(t, channel(Discord, "https://example.org"), m)
	if embed := body["embeds"].([]any)[0].(map[string]any); embed["url"] != nil {
		t.Errorf("Discord opens %v", embed["url"])
	}
}

func TestSlackGetsTextThatItDoesNotFormat(t *testing.T) {
	m := message()
	m.Message, m.URL = "a &lt; b <c> @d", "https://kymaros.example.org/r?a=1&b=<2>|Click"
	_, body := mustBuild(t, channel(Slack, "https://example.org"), m)
	if body["unfurl_links"] != false || body["unfurl_media"] != false {
		t.Errorf("Slack shows what addresses lead to: %v", body)
	}
	blocks := body["blocks"].([]any)
	plain := func(text string) map[string]any {
		return map[string]any{"type": "plain_text", "text": text, "emoji": false}
	}
	const escaped = "a &amp;lt; b &lt;c&gt; @\u200bd"
	told(t, "Slack", blocks[0], map[string]any{"type": "header", "text": plain("✖ " + m.headline(400))})
	told(t, "Slack", blocks[1], map[string]any{"type": "section", "text": plain(escaped)})
	told(t, "Slack", blocks[2], map[string]any{"type": "section", "text": plain(m.NextStep)})
	told(t, "Slack", blocks[3].(map[string]any)["fields"].([]any)[0], plain("Cluster\nprod-eu-1"))
	told(t, "Slack", blocks[4], map[string]any{"type": "section", "text": map[string]any{
		"type": "mrkdwn", "text": "<https://kymaros.example.org/r?a=1&amp;b=%3C2%3E%7CClick|Open the report>", "verbatim": true,
	}})
	m.Score = nil
	m.Test.Name = "<!here>"
	c := channel(Slack, "https://example.org")
	c.Channel = ""
	_, body = mustBuild(t, c, m)
	told(t, "Slack", body["text"], ":x: *Kymaros* — Restore test team-pay/&lt;!here&gt; failed\n"+escaped)
	if channel, ok := body["channel"]; ok {
		t.Errorf("Slack is told the channel %v, though there is none", channel)
	}
}

// evil is what an application may write to be more than text.
const evil = "<!channel> <!here|x> <@U123> <https://evil.example.org|Open the report> [Open](https://evil.example.org) @everyone @all @**all** ||hidden|| `x` **b** \u202ereversed\u2066 \x1b[31m\x00\x07 " +
	"\u200binvisible\ufeff \U000E0041tag\xff\xfe line\r\nline\u2028line &amp; \"quoted\"</script>"

func TestWhatApplicationsWriteStaysText(t *testing.T) {
	m := message()
	m.Message, m.NextStep, m.Reason, m.Backup.Name = evil, evil, evil, evil
	forbidden := map[string][]string{
		Slack:   {"<!", "<@", "<https://evil", " @everyone", " @all"},
		Discord: {" @everyone", " ||hidden", "[Open](", " `x`", " **b"},
		URL:     {"<!", "<@", "<https://evil", " @everyone", " @all", "](", "@**all"},
	}
	for _, channelType := range []string{Slack, Teams, Discord, PagerDuty, Opsgenie, URL} {
		address := map[string]string{URL: "googlechat://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t"}[channelType]
		if address == "" {
			address = "https://example.org"
		}
		_, body := mustBuild(t, channel(channelType, address), m)
		found := false
		walk(body, func(key, s string) {
			found = found || strings.Contains(s, "invisible")
			for _, f := range forbidden[channelType] {
				if strings.Contains(" "+s, f) && !strings.HasPrefix(s, "<https://kymaros.example.org/") {
					t.Errorf("%s: %s holds %q: %q", channelType, key, f, s)
				}
			}
			for _, r := range s {
				if r != '\n' && r != '\u200b' && (unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == 0xE0041) {
					t.Errorf("%s: %s holds %U", channelType, key, r)
				}
			}
		})
		if !found {
			t.Errorf("%s: what the application wrote is not told: %v", channelType, body)
		}
	}
	_, body := mustBuild(t, channel(Discord, "https://example.org"), m)
	if mentions := body["allowed_mentions"]; !reflect.DeepEqual(mentions, map[string]any{"parse": []any{}}) {
		t.Errorf("Discord may mention %v", mentions)
	}
	_, body = mustBuild(t, channel(Teams, "https://example.org"), m)
	walk(body, func(key, s string) {
		if key == "type" && (s == "TextBlock" || s == "FactSet") {
			t.Errorf("Teams reads Markdown in a %s", s)
		}
	})
}

// calls are what mentions somebody in one chat or another: all of a channel, all who are there, or one.
var calls = []string{"@channel", "@here", "@everyone", "@all", "@room", "@**all**", "@_**all**", "@U123", "<!channel>", "<!here>", "<!everyone>", "<!subteam^S1>", "<@U123>", "<@&1>", "<#C1>", "<users/all>", "<at>all</at>"}

// TestNobodyIsMentioned: what an application writes calls nobody to a chat, whatever field of a message it is in. Teams and Discord are told
// whom a message mentions; all others read the text.
func TestNobodyIsMentioned(t *testing.T) {
	evil := strings.Join(calls, " ")
	m := message()
	m.Message, m.NextStep, m.Reason, m.Backup.Name, m.LastGood.Backup, m.Report.Name, m.Cluster.Name = evil, evil, evil, evil, evil, evil, evil
	chats := map[string]Channel{}
	for _, channelType := range []string{Slack, Discord, Teams} {
		chats[channelType] = channel(channelType, "https://example.org")
	}
	withoutScore := m
	withoutScore.Score = nil
	for _, address := range []string{
		"googlechat://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t", "gotify://push.example.org/Atok3n", "matrix://:syt_t0k@matrix.example.org/?rooms=!abc:example.org",
		"ntfy://ntfy.sh/backups", "pushover://kymaros:apit0ken@userkey/", "telegram://110201543:AAHdq@telegram?chats=1", "zulip://bot:k3y@zulip.example.org/?stream=ops&topic=t",
	} {
		chats[address] = Channel{Type: URL, Secret: map[string][]byte{"url": []byte(address)}}
	}
	for name, c := range chats {
		for _, m := range []Message{m, withoutScore} {
			r, err := build(t, c, m)
			if err != nil {
				t.Fatal(err)
			}
			body := map[string]any{}
			if form, err := url.ParseQuery(string(r.body)); r.header["Content-Type"] == "application/x-www-form-urlencoded" && err == nil {
				for key := range form {
					body[key] = form.Get(key)
				}
			} else if err := json.Unmarshal(r.body, &body); err != nil {
				t.Fatal(err)
			}
			found := false
			walk(body, func(key, s string) {
				found = found || strings.Contains(s, "subteam")
				for _, call := range calls {
					at := strings.Index(s, call)
					switch {
					case at < 0, name == Teams: // see below
					case name == Discord && (at > 0 && s[at-1] == '\\'): // an escaped sign, and the field below
					default:
						t.Errorf("%s: %s holds %q: %q", name, key, call, s)
					}
				}
			})
			if !found {
				t.Errorf("%s: what the application wrote is not told: %v", name, body)
			}
			switch {
			case name == Discord:
				if got := body["allowed_mentions"]; !reflect.DeepEqual(got, map[string]any{"parse": []any{}}) {
					t.Errorf("Discord may mention %v", got)
				}
			case name == Teams:
				if strings.Contains(string(r.body), `"entities"`) {
					t.Errorf("Teams is told to mention somebody: %s", r.body)
				}
			case strings.HasPrefix(name, "matrix"):
				if got := body["m.mentions"]; !reflect.DeepEqual(got, map[string]any{}) {
					t.Errorf("Matrix may mention %v", got)
				}
			}
		}
	}
}

// walk visits every string.
func walk(v any, visit func(key, s string)) {
	var in func(key string, v any)
	in = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				in(k, e)
			}
		case []any:
			for _, e := range v {
				in(key, e)
			}
		case string:
			visit(key, v)
		}
	}
	in("", v)
}

func TestTheLongestMessageFits(t *testing.T) {
	for what, filler := range map[string]string{"letters": "a", "what is escaped": "&_", "wide characters": "😀"} {
		long := strings.Repeat(filler, 40000)
		m := message()
		m.Message, m.NextStep, m.Reason, m.Backup.Name, m.LastGood.Backup, m.Report.Name, m.Cluster.Name, m.Test.Name = long, long, long, long, long, long, long, long
		m.Also = Events()
		count := func(s any) int { return len([]rune(s.(string))) }
		_, body := mustBuild(t, channel(Slack, "https://example.org"), m)
		for _, b := range body["blocks"].([]any) {
			block := b.(map[string]any)
			if fields, ok := block["fields"].([]any); ok && len(fields) > 10 {
				t.Errorf("%s: Slack gets %d fields", what, len(fields))
			}
			if text, ok := block["text"].(map[string]any); ok && count(text["text"]) > map[any]int{"header": 150, "section": 3000}[block["type"]] {
				t.Errorf("%s: Slack gets a %s of %d characters", what, block["type"], count(text["text"]))
			}
		}
		_, body = mustBuild(t, channel(Discord, "https://example.org"), m)
		embed := body["embeds"].([]any)[0].(map[string]any)
		sum := count(embed["title"]) + count(embed["description"])
		for _, f := range embed["fields"].([]any) {
			sum += count(f.(map[string]any)["name"]) + count(f.(map[string]any)["value"])
		}
		if count(embed["title"]) > 256 || count(embed["description"]) > 4096 || sum > 6000 {
			t.Errorf("%s: Discord gets %d characters", what, sum)
		}
		_, body = mustBuild(t, channel(Opsgenie, "https://example.org"), m)
		if count(body["message"]) > 130 || count(body["description"]) > 15000 {
			t.Errorf("%s: Opsgenie gets %v", what, body["message"])
		}
		_, body = mustBuild(t, channel(PagerDuty, "https://example.org"), m)
		if count(body["payload"].(map[string]any)["summary"]) > 1024 {
			t.Errorf("%s: PagerDuty gets %v", what, body)
		}
		for address, most := range map[string]int{"telegram://t@telegram?chats=1": 4096, "ntfy://ntfy.sh/x": 4096, "pushover://k:t@u/": 4096} {
			_, body = mustBuild(t, channel(URL, address), m)
			text := body["text"]
			if text == nil {
				text = body["message"]
			}
			if len(text.(string)) > most && !strings.HasPrefix(address, "telegram") || 2*count(text) > most && filler == "😀" {
				t.Errorf("%s: %s gets %d bytes", what, address, len(text.(string)))
			}
		}
	}
}

func TestTheVerdictOfEveryEvent(t *testing.T) {
	seen := map[string]Event{}
	for _, e := range Events() {
		m := message()
		m.Event = e
		if other, ok := seen[m.verdict()]; ok || m.verdict() == string(e) && e != Failed {
			t.Errorf("of %s is said %q, as of %q", e, m.verdict(), other)
		}
		seen[m.verdict()] = e
	}
	m := message()
	m.Event, m.LastGood = LastGoodChanged, LastGood{}
	if m.verdict() != "knows of no good backup any more" || m.tone() != warning {
		t.Errorf("got %q", m.verdict())
	}
	m.Event, m.Result = Partial, "inconclusive"
	if m.verdict() != "told nothing of the backup" {
		t.Errorf("got %q", m.verdict())
	}
}

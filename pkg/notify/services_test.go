package notify

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestServicesAreAsked(t *testing.T) {
	for address, want := range map[string]string{
		"googlechat://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t": "POST https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t",
		"gotify://push.example.org/Atok3n":                                      "POST https://push.example.org/message",
		"gotify://push.example.org/base/Atok3n?disabletls=yes":                  "POST http://push.example.org/base/message",
		"matrix://:syt_t0k@matrix.example.org/?rooms=!abc:example.org":          "PUT https://matrix.example.org/_matrix/client/v3/rooms/%21abc:example.org/send/m.room.message/" + digest(message().ID),
		"ntfy://user:pass@ntfy.sh/backups":                                      "POST https://user:pass@ntfy.sh/",
		"pushover://kymaros:apit0ken@userkey/":                                  "POST https://api.pushover.net/1/messages.json",
		"telegram://110201543:AAHdq@telegram?chats=@backups":                    "POST https://api.telegram.org/bot110201543:AAHdq/sendMessage",
		"zulip://bot%40example.org:k3y@zulip.example.org/?stream=ops&topic=t":   "POST https://bot%40example.org:k3y@zulip.example.org/api/v1/messages",
	} {
		c := Channel{Type: URL, Secret: map[string][]byte{"url": []byte(address)}}
		r, err := build(t, c, message())
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		method := r.method
		if method == "" {
			method = "POST"
		}
		if got := method + " " + r.url.String(); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
		if !strings.Contains(string(r.body), "billing") {
			t.Errorf("%s: got %s", address, r.body)
		}
	}
	for address, want := range map[string]string{
		"":                                    `the Secret has no key "url"`,
		"ntfy.sh":                             `"url" of the Secret is no address of a service`,
		"https://ntfy.sh/x":                   `"url" of the Secret begins with none of googlechat://, gotify://, matrix://, ntfy://, pushover://, telegram://, zulip://`,
		"smtp://mail.example.org/":            `"url" of the Secret begins with none of googlechat://`,
		"ntfy://ntfy.sh":                      `"url" of the Secret lacks a part: it is ntfy://`,
		"gotify://push.example.org":           `"url" of the Secret lacks a part: it is gotify://`,
		"matrix://:t@m.example.org/?rooms=#a": `"url" of the Secret lacks a part: it is matrix://`,
		"matrix://m.example.org/?rooms=!a:b":  `"url" of the Secret lacks a part: it is matrix://`,
		"telegram://token@telegram":           `"url" of the Secret lacks a part: it is telegram://`,
		"telegram://telegram?chats=1":         `"url" of the Secret lacks a part: it is telegram://`,
		"pushover://userkey":                  `"url" of the Secret lacks a part: it is pushover://`,
		"zulip://zulip.example.org/?stream=a": `"url" of the Secret lacks a part: it is zulip://`,
		"googlechat://chat.googleapis.com/v1": `"url" of the Secret lacks a part: it is googlechat://`,
	} {
		c := Channel{Type: URL, Secret: map[string][]byte{"url": []byte(address)}}
		if _, err := build(t, c, message()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", address, err, want)
		}
	}
}

func TestWhatServicesAreTold(t *testing.T) {
	m := message()
	m.Message = "a ](b) @all <c>"
	long := m
	long.URL += strings.Repeat("x", 512)
	ask := func(address string, m Message) (*request, map[string]any) {
		t.Helper()
		return mustBuild(t, Channel{Type: URL, Secret: map[string][]byte{"url": []byte(address)}}, m)
	}
	text := m.text(mute)

	_, body := ask("googlechat://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=t", m)
	told(t, "Google Chat", body, map[string]any{"text": text})

	r, body := ask("gotify://push.example.org/Atok3n", m)
	told(t, "Gotify", body, map[string]any{"title": m.headline(200), "message": text, "priority": 10.0})
	if r.header["X-Gotify-Key"] != "Atok3n" {
		t.Errorf("Gotify gets %v", r.header)
	}

	r, body = ask("matrix://bot:syt_t0k@matrix.example.org/?rooms=!abc:example.org", m)
	told(t, "Matrix", body, map[string]any{"msgtype": "m.text", "body": text, "m.mentions": map[string]any{}})
	if r.header["Authorization"] != "Bearer syt_t0k" || r.url.User != nil {
		t.Errorf("Matrix at %s gets %v", r.url, r.header)
	}

	_, body = ask("ntfy://ntfy.sh/backups", m)
	told(t, "ntfy", body, map[string]any{"topic": "backups", "title": m.headline(200), "message": text, "priority": 5.0, "click": m.URL})

	_, body = ask("pushover://kymaros:apit0ken@userkey/", m)
	told(t, "Pushover", body, map[string]any{"token": "apit0ken", "user": "userkey", "title": m.headline(200), "message": text, "url": m.URL})
	if _, body = ask("pushover://kymaros:apit0ken@userkey/", long); body["url"] != nil { // which Pushover would refuse with the message
		t.Errorf("Pushover gets an address of %d characters", len(body["url"].(string)))
	}

	_, body = ask("telegram://110201543:AAHdq@telegram?chats=@backups", m)
	told(t, "Telegram", body, map[string]any{"chat_id": "@backups", "text": text, "link_preview_options": map[string]any{"is_disabled": true}})

	z, err := build(t, Channel{Type: URL, Secret: map[string][]byte{"url": []byte("zulip://bot:k3y@zulip.example.org/?stream=ops&topic=" + strings.Repeat("t", 61))}}, m)
	if err != nil {
		t.Fatal(err)
	}
	form, err := url.ParseQuery(string(z.body))
	if want := (url.Values{"type": {"stream"}, "to": {"ops"}, "topic": {strings.Repeat("t", 59) + "…"}, "content": {text}}); err != nil || !reflect.DeepEqual(form, want) {
		t.Errorf("Zulip gets %v %v, want %v", form, err, want)
	}

	for event, want := range map[Event]float64{Failed: 5, Partial: 4, Recovered: 3, LastGoodChanged: 2} {
		m.Event = event
		if _, body := ask("ntfy://ntfy.sh/backups", m); body["priority"] != want {
			t.Errorf("ntfy gets %s with priority %v, want %v", event, body["priority"], want)
		}
	}
}

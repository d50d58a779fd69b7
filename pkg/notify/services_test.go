package notify

import (
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

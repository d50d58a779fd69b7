package notify

import (
	"net/url"
	"slices"
	"strings"
)

// services are what the type url knows, by the scheme of the address in the Secret. Addresses are written as in shoutrrr, of which each
// asks its own clients, some made at each message, where nothing can be guarded; and it forgets the status of an answer.
var services = map[string]struct {
	usage string
	build func(u *url.URL, m *Message) (*request, error)
}{
	"googlechat": {"googlechat://chat.googleapis.com/v1/spaces/SPACE/messages?key=KEY&token=TOKEN", googleChat},
	"gotify":     {"gotify://HOST/TOKEN", gotify},
	"matrix":     {"matrix://:TOKEN@HOST/?rooms=!ROOM:SERVER", matrix},
	"ntfy":       {"ntfy://[USER:PASSWORD@]HOST/TOPIC", ntfy},
	"pushover":   {"pushover://kymaros:TOKEN@USER/", pushover},
	"telegram":   {"telegram://TOKEN@telegram?chats=CHAT", telegram},
	"zulip":      {"zulip://BOT-MAIL:KEY@HOST/?stream=STREAM&topic=TOPIC", zulip},
}

// service is for what has no type of its own.
func service(c *Channel, m *Message) (*request, error) {
	_, value := c.value("url")
	if value == "" {
		return nil, misconfigured(`the Secret has no key "url"`)
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return nil, misconfigured(`"url" of the Secret is no address of a service, such as %s`, services["ntfy"].usage)
	}
	s, ok := services[u.Scheme]
	if !ok {
		known := make([]string, 0, len(services))
		for name := range services {
			known = append(known, name+"://")
		}
		slices.Sort(known)
		return nil, misconfigured(`"url" of the Secret begins with none of %s; for https:// use the type webhook, or slack for Mattermost and Rocket.Chat`, strings.Join(known, ", "))
	}
	r, err := s.build(u, m)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, misconfigured(`"url" of the Secret lacks a part: it is %s`, s.usage)
	}
	return r, nil
}

// web returns the address of an API at the host of a service, with the login that stands in its address.
func web(u *url.URL, path ...string) *url.URL {
	api := &url.URL{Scheme: "https", Host: u.Host, User: u.User, Path: "/"}
	if u.Query().Get("disabletls") == "yes" {
		api.Scheme = "http"
	}
	return api.JoinPath(path...)
}

// urgency is what services make of a number from 1, hardly, to 5, at once.
func (m *Message) urgency() int {
	return map[tone]int{bad: 5, warning: 4, good: 3, neutral: 2}[m.tone()]
}

func googleChat(u *url.URL, m *Message) (*request, error) {
	if u.Query().Get("key") == "" || u.Query().Get("token") == "" {
		return nil, nil
	}
	api := web(u, u.EscapedPath())
	api.RawQuery = url.Values{"key": {u.Query().Get("key")}, "token": {u.Query().Get("token")}}.Encode()
	return posting(api, map[string]any{"text": m.text(mute)})
}

func gotify(u *url.URL, m *Message) (*request, error) {
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	base, token := path[:len(path)-1], path[len(path)-1]
	if token == "" || token != ascii(token) {
		return nil, nil
	}
	r, err := posting(web(u, append(base, "message")...), map[string]any{"title": m.headline(200), "message": m.text(mute), "priority": 2 * m.urgency()})
	if err == nil {
		r.header["X-Gotify-Key"] = token
	}
	return r, err
}

// matrix keeps one event of each transaction, which is why the ID names it.
func matrix(u *url.URL, m *Message) (*request, error) {
	token, _ := u.User.Password()
	room := u.Query().Get("rooms")
	if token == "" || token != ascii(token) || !strings.HasPrefix(room, "!") || strings.Contains(room, ",") {
		return nil, nil
	}
	api := web(u, "_matrix/client/v3/rooms", url.PathEscape(room), "send/m.room.message", digest(m.ID))
	api.User = nil
	r, err := posting(api, map[string]any{"msgtype": "m.text", "body": m.text(mute), "m.mentions": map[string]any{}})
	if err == nil {
		r.method = "PUT"
		r.header["Authorization"] = "Bearer " + token
	}
	return r, err
}

func ntfy(u *url.URL, m *Message) (*request, error) {
	topic := strings.Trim(u.Path, "/")
	if topic == "" {
		return nil, nil
	}
	body := map[string]any{"topic": topic, "title": m.headline(200), "message": cut(m.text(mute), 1000), "priority": m.urgency()}
	if link := m.link(); link != "" {
		body["click"] = link
	}
	return posting(web(u), body)
}

func pushover(u *url.URL, m *Message) (*request, error) {
	token, _ := u.User.Password()
	if token == "" {
		return nil, nil
	}
	body := map[string]any{"token": token, "user": u.Host, "title": m.headline(200), "message": cut(m.text(mute), 1000)}
	if link := m.link(); link != "" && len(link) <= 512 {
		body["url"] = link
	}
	return posting(&url.URL{Scheme: "https", Host: "api.pushover.net", Path: "/1/messages.json"}, body)
}

func telegram(u *url.URL, m *Message) (*request, error) {
	token := u.User.Username()
	if second, ok := u.User.Password(); ok {
		token += ":" + second
	}
	chat := u.Query().Get("chats")
	if token == "" || chat == "" || strings.Contains(chat, ",") {
		return nil, nil
	}
	api := (&url.URL{Scheme: "https", Host: "api.telegram.org", Path: "/"}).JoinPath("bot"+url.PathEscape(token), "sendMessage")
	return posting(api, map[string]any{
		// Telegram counts 4096 halves of what may be two each.
		"chat_id": chat, "text": cut(m.text(mute), 2000), "link_preview_options": map[string]any{"is_disabled": true},
	})
}

func zulip(u *url.URL, m *Message) (*request, error) {
	q := u.Query()
	if u.User.Username() == "" || q.Get("stream") == "" || q.Get("topic") == "" {
		return nil, nil
	}
	form := url.Values{"type": {"stream"}, "to": {q.Get("stream")}, "topic": {clean(q.Get("topic"), 60)}, "content": {m.text(mute)}}
	return &request{
		url: web(u, "api/v1/messages"), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: []byte(form.Encode()),
	}, nil
}

package notify

import "net/url"

// opsgenie opens, and closes, one alert for each test. Another last good backup is told as the least of alerts, of its own.
func opsgenie(c *Channel, m *Message) (*request, error) {
	u, err := c.service("https://api.opsgenie.com")
	if err != nil {
		return nil, err
	}
	_, key := c.value("api-key")
	if key == "" || key != ascii(key) {
		return nil, misconfigured(`the Secret has no key "api-key", which is that of an API integration`)
	}
	alias := m.subject()
	body := map[string]any{"source": "kymaros"}
	if m.resolves() {
		u = u.JoinPath("v2/alerts", url.PathEscape(alias), "close")
		u.RawQuery = "identifierType=alias"
		body["note"] = m.headline(1000)
	} else {
		u = u.JoinPath("v2/alerts")
		if m.tone() == neutral {
			alias += "/lastGood"
		}
		body["alias"] = alias
		body["message"] = m.headline(130)
		body["description"] = m.text(mute)
		body["entity"] = m.name()
		body["details"] = m.details()
		body["tags"] = []string{"kymaros", string(m.Event)}
		body["priority"] = map[tone]string{bad: "P1", warning: "P3", neutral: "P5"}[m.tone()]
	}
	r, err := posting(u, body)
	if err != nil {
		return nil, err
	}
	r.header["Authorization"] = "GenieKey " + key
	return r, nil
}

package notify

// details are the facts, for receivers that keep names and values.
func (m *Message) details() map[string]string {
	all := map[string]string{"Event": clean(string(m.Event), 40), "Message": m.sentence()}
	if step := m.nextStep(); step != "" {
		all["Next step"] = step
	}
	for _, f := range m.facts() {
		all[f.label] = f.value
	}
	return all
}

// resolves tells whether an event ends the incident of a test.
func (m *Message) resolves() bool { return m.Event == Verified || m.Event == Recovered }

// pagerDuty speaks the Events API v2. A test has one incident at most. Another last good backup is no incident but a change.
func pagerDuty(c *Channel, m *Message) (*request, error) {
	u, err := c.service("https://events.pagerduty.com")
	if err != nil {
		return nil, err
	}
	_, routing := c.value("routing-key")
	if routing == "" {
		return nil, misconfigured(`the Secret has no key "routing-key", which is the integration key of an Events API v2 integration`)
	}
	payload := map[string]any{"summary": m.headline(1024), "source": clean(m.subject(), 255), "timestamp": rfc3339(m.Time), "custom_details": m.details()}
	body := map[string]any{"routing_key": routing, "payload": payload}
	if link := m.link(); link != "" {
		body["links"] = []any{map[string]any{"href": link, "text": "Report"}}
	}
	if m.tone() == neutral {
		return posting(u.JoinPath("v2/change/enqueue"), body)
	}
	body["dedup_key"] = m.subject()
	body["client"] = "Kymaros"
	body["event_action"] = "trigger"
	payload["severity"] = map[tone]string{bad: "critical", warning: "warning", good: "info"}[m.tone()]
	payload["component"] = m.name()
	payload["class"] = clean(m.Reason, 100)
	if m.resolves() {
		body["event_action"] = "resolve"
	}
	return posting(u.JoinPath("v2/enqueue"), body)
}

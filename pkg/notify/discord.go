package notify

import "strings"

// discordEscape keeps text from being formatted. Mentions are forbidden for the whole message.
func discordEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\*_~`|>#-[]()<:@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// discord is for webhooks of a Discord channel.
func discord(c *Channel, m *Message) (*request, error) {
	u, err := c.address()
	if err != nil {
		return nil, err
	}
	// All together must not exceed 6000 characters, and Discord counts the backslashes.
	var fields []any
	for _, f := range m.facts() {
		fields = append(fields, map[string]any{"name": f.label, "value": fit(f.value, 250, discordEscape), "inline": true})
	}
	embed := map[string]any{
		"title":       fit(m.tone().sign()+" "+m.headline(400), 256, discordEscape),
		"description": strings.TrimSpace(fit(m.sentence(), 2200, discordEscape) + "\n\n" + fit(m.nextStep(), 800, discordEscape)),
		"color":       map[tone]int{bad: 0xd1242f, warning: 0xbf8700, good: 0x1a7f37, neutral: 0x0969da}[m.tone()],
		"timestamp":   rfc3339(m.Time),
		"fields":      fields,
	}
	if link := m.link(); link != "" {
		embed["url"] = link
	}
	return posting(u, map[string]any{"embeds": []any{embed}, "allowed_mentions": map[string]any{"parse": []string{}}})
}

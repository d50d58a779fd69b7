package notify

// teams is an Adaptive Card, which workflows of Microsoft Teams post when their webhook is called. Text stands in runs: Teams reads
// Markdown in every other element.
func teams(c *Channel, m *Message) (*request, error) {
	u, err := c.address()
	if err != nil {
		return nil, err
	}
	run := func(text string) map[string]any { return map[string]any{"type": "TextRun", "text": text} }
	row := func(runs ...any) any { return map[string]any{"type": "RichTextBlock", "inlines": runs} }
	title := run(m.tone().sign() + " " + m.headline(200))
	title["weight"], title["size"] = "Bolder", "Medium"
	title["color"] = map[tone]string{bad: "Attention", warning: "Warning", good: "Good", neutral: "Default"}[m.tone()]
	rows := []any{row(title)}
	for _, text := range []string{m.sentence(), m.nextStep()} {
		if text != "" {
			rows = append(rows, row(run(text)))
		}
	}
	for _, f := range m.facts() {
		label := run(f.label + ": ")
		label["weight"] = "Bolder"
		rows = append(rows, row(label, run(f.value)))
	}
	card := map[string]any{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.2", "body": rows,
		"msteams": map[string]any{"width": "Full"}, "fallbackText": m.headline(200),
	}
	if link := m.link(); link != "" {
		card["actions"] = []any{map[string]any{"type": "Action.OpenUrl", "title": "Open the report", "url": link}}
	}
	return posting(u, map[string]any{
		"type":        "message",
		"attachments": []any{map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}},
	})
}

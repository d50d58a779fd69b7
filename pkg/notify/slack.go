package notify

import (
	"strconv"
	"strings"
)

// slackEscape keeps text from mentioning, or linking to, anything.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "@\u200b").Replace(s)
}

// slackPlain is text that Slack neither formats nor searches for links.
func slackPlain(s string, most int) any {
	return map[string]any{"type": "plain_text", "text": fit(s, most, slackEscape), "emoji": false}
}

// slack is for incoming webhooks, also those of servers that speak like Slack's: they show the text alone.
func slack(c *Channel, m *Message) (*request, error) {
	u, err := c.address()
	if err != nil {
		return nil, err
	}
	block := func(kind, key string, value any) map[string]any { return map[string]any{"type": kind, key: value} }
	blocks := []any{
		block("header", "text", slackPlain(m.tone().sign()+" "+m.headline(400), 150)),
	}
	for _, text := range []string{m.sentence(), m.nextStep()} {
		if text != "" {
			blocks = append(blocks, block("section", "text", slackPlain(text, 3000)))
		}
	}
	var fields []any
	for _, f := range m.facts() {
		fields = append(fields, slackPlain(f.label+"\n"+f.value, 2000))
	}
	if len(fields) > 0 {
		blocks = append(blocks, block("section", "fields", fields))
	}
	if link := m.link(); link != "" {
		// A button would have the app answer when it is pressed; a link needs nothing.
		address := strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C", "&", "&amp;").Replace(link)
		blocks = append(blocks, block("section", "text", map[string]any{"type": "mrkdwn", "text": "<" + address + "|Open the report>", "verbatim": true}))
	}
	body := map[string]any{"text": slackText(m), "blocks": blocks, "unfurl_links": false, "unfurl_media": false}
	if c.Channel != "" {
		body["channel"] = clean(c.Channel, 80)
	}
	return posting(u, body)
}

// slackText is what stands in lists and on the screens of phones.
func slackText(m *Message) string {
	emoji := [...]string{":x:", ":warning:", ":white_check_mark:", ":information_source:"}[m.tone()]
	if m.Score == nil {
		return emoji + " *Kymaros* — " + slackEscape(m.headline(400)) + "\n" + slackEscape(m.sentence())
	}
	return emoji + " *Kymaros* — `" + clean(m.Test.Name, 253) + "` score: *" + strconv.Itoa(*m.Score) + "/100* (" + clean(m.Result, 20) + ")\n" +
		slackEscape(m.sentence())
}

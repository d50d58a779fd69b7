package notify

// Types of channels.
const (
	Slack     = "slack"
	Webhook   = "webhook"
	PagerDuty = "pagerduty"
	Email     = "email"
	Teams     = "teams"
	Opsgenie  = "opsgenie"
	Discord   = "discord"
	URL       = "url"
)

// Types returns all of them.
func Types() []string {
	return []string{Slack, Webhook, PagerDuty, Email, Teams, Opsgenie, Discord, URL}
}

// Channel is one receiver.
type Channel struct {
	// Type is one of the constants.
	Type string
	// Channel is that of Slack, such as #backups; others ignore it. Most incoming webhooks of Slack have a channel of their own.
	Channel string
	// To are the recipients of an email, for example ops@example.org or "Ops <ops@example.org>".
	To []string
	// Secret is the data of the Secret that the channel names; see SecretKeys. It is nil for email.
	Secret map[string][]byte
}

// SecretKeys returns which keys of its Secret a type reads, the ones it cannot do without first; nil for email, whose relay an
// administrator names, and for a type that nobody knows. Of "url" and "webhook-url" one is enough.
func SecretKeys(channelType string) []string {
	switch channelType {
	case Slack, Teams, Discord:
		return []string{"url", "webhook-url"}
	case Webhook:
		return []string{"url", "webhook-url", "signing-key", "secret", "authorization"}
	case PagerDuty:
		return []string{"routing-key", "url"}
	case Opsgenie:
		return []string{"api-key", "url"}
	case URL:
		return []string{"url"}
	}
	return nil
}

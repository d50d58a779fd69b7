package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// request is what a receiver is sent. It is made without asking anybody, so a table can test it.
type request struct {
	method string // POST if empty
	url    *url.URL
	header map[string]string
	body   []byte
}

// posting is a request with a JSON body.
func posting(u *url.URL, body any) (*request, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, misconfigured("the message cannot be written as JSON")
	}
	return &request{url: u, header: map[string]string{"Content-Type": "application/json"}, body: encoded}, nil
}

// value returns the first key of the Secret that is there, and its value, without the spaces and line ends that tools add.
func (c *Channel) value(keys ...string) (key, value string) {
	for _, key := range keys {
		if v := strings.TrimSpace(string(c.Secret[key])); v != "" {
			return key, v
		}
	}
	return "", ""
}

// address returns the URL that the Secret holds.
func (c *Channel) address() (*url.URL, error) {
	key, value := c.value("url", "webhook-url")
	if key == "" {
		return nil, misconfigured(`the Secret has neither the key "url" nor "webhook-url"`)
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, misconfigured("%q of the Secret is no address that begins with https://", key)
	}
	return u, nil
}

// service returns the address of a service that has a usual one, which the Secret may replace.
func (c *Channel) service(usual string) (*url.URL, error) {
	if key, _ := c.value("url", "webhook-url"); key != "" {
		return c.address()
	}
	return url.Parse(usual)
}

// subject is one for each test of each cluster, and short enough for what receivers keep.
func (m *Message) subject() string {
	cluster := m.Cluster.ID
	if cluster == "" {
		cluster = m.Cluster.Name
	}
	subject := "kymaros/" + cluster + "/" + m.Test.Namespace + "/" + m.Test.Name
	if len(subject) <= 255 {
		return subject
	}
	return "kymaros/" + digest(subject)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// do sends a request. Of the answer nothing is read but its status and Retry-After.
func (s *Sender) do(ctx context.Context, r *request) error {
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return misconfigured("the address in the Secret cannot be used")
	}
	req.GetBody = nil // so that nothing is sent twice by one attempt
	req.Header.Set("User-Agent", "kymaros-notify")
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	client, err := s.clients.of(r.url)
	if err != nil {
		return unanswered(err, "the receiver", s.options.Timeout)
	}
	answer, err := client.Do(req)
	if err != nil {
		return unanswered(err, "the receiver", s.options.Timeout)
	}
	_ = answer.Body.Close()
	return answered(answer.StatusCode, answer.Header, s.now())
}

// rfc3339 prints a time as CloudEvents and chats read it.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

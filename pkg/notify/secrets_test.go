package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Every secret of this test, and everything that a receiver answers, holds this word.
const word = "hunter2"

func TestNoErrorHoldsAnAddressOrASecret(t *testing.T) {
	tell := func(w http.ResponseWriter, code int) {
		w.Header().Set("Location", "https://"+word+".example.org/"+word)
		w.Header().Set("Retry-After", word)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, word)
	}
	r := receive(t, func(w http.ResponseWriter, q *http.Request) {
		switch {
		case strings.Contains(q.URL.Path, "reset"):
			reset(w, q)
		case strings.Contains(q.URL.Path, "slow"):
			silent(w, q)
		case strings.Contains(q.URL.Path, "moved"):
			tell(w, http.StatusFound)
		case strings.Contains(q.URL.Path, "broken"):
			tell(w, http.StatusInternalServerError)
		default:
			tell(w, http.StatusForbidden)
		}
	})
	gone := httptest.NewServer(nil)
	gone.Close()
	base := strings.Replace(r.URL, "https://", "https://user:"+word+"@", 1)
	addresses := []string{
		base + "/" + word, base + "/moved/" + word, base + "/broken/" + word, base + "/reset/" + word, base + "/slow/" + word,
		strings.Replace(gone.URL, "http", "https", 1) + "/" + word,
		"https://" + word + ".invalid/" + word, "https://" + word + ":" + word + "@/", "https://" + word + "/%zz", "https://[" + word, "ftp://" + word, word,
		"http://" + word + "\x00", "https://exa mple.org/" + word, "https://example.org:" + word, "https://" + word + "@169.254.169.254/" + word, "http://" + word + "@10.0.0.1/" + word,
		"https://localhost:1/" + word, "ntfy://" + word + "/%zz", "ntfy://" + word + ".invalid/" + word, "telegram://" + word + "@telegram", word + "://" + word,
		"matrix://:" + word + "\n@" + word + "/?rooms=!a:b", "gotify://127.0.0.1:1/" + word, "zulip://" + word + ":" + word + "@127.0.0.1:1/?stream=a&topic=b",
	}
	keys := []string{"url", "webhook-url", "routing-key", "api-key", "signing-key", "secret", "authorization"}
	failed := map[string]bool{}
	try := func(s *Sender, c Channel) {
		t.Helper()
		err := s.Send(t.Context(), c, message())
		if err == nil {
			t.Fatalf("%s to %q arrived", c.Type, c.Secret["url"])
		}
		failed[err.Error()] = true
		if errors.Unwrap(err) != nil {
			t.Fatalf("%T has an error within", err)
		}
		for _, printed := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err)} {
			for _, secret := range []string{word, "127.0.0.1", "169.254", "10.0.0.1", "localhost", ".invalid", "%zz"} {
				if strings.Contains(printed, secret) {
					t.Fatalf("%s to %q: %s", c.Type, c.Secret["url"], printed)
				}
			}
		}
	}
	with := func(channelType, address string) Channel {
		c := Channel{Type: channelType, Channel: word, To: []string{word}, Secret: map[string][]byte{}}
		for _, k := range keys[2:] {
			c.Secret[k] = []byte(word)
		}
		c.Secret["signing-key"] = []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		c.Secret["url"] = []byte(address)
		return c
	}
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	for _, trust := range []*tls.Config{{RootCAs: pool}, {RootCAs: x509.NewCertPool()}} {
		s := newTestSender(t, Options{Timeout: 100 * time.Millisecond}, trust)
		for _, channelType := range append(Types(), "sms") {
			for _, address := range addresses {
				try(s, with(channelType, address))
			}
			for _, key := range keys {
				for _, value := range []string{"", word + "\r\n" + word, word + "é", "whsec_" + word} {
					c := with(channelType, addresses[0])
					c.Secret[key] = []byte(value)
					try(s, c)
				}
			}
		}
	}
	if len(failed) < 15 {
		t.Errorf("only %d failures were seen: %v", len(failed), failed)
	}
}

func TestAProxysPasswordIsNotTold(t *testing.T) {
	s := newTestSender(t, Options{Proxy: func(*url.URL) (*url.URL, error) {
		return url.Parse("http://user:" + word + "@" + word + ".invalid:3128")
	}}, nil)
	if f := failure(t, s, channel(Webhook, "https://example.org/"+word), message()); strings.Contains(f.Error(), word) {
		t.Error(f)
	}
	s = newTestSender(t, Options{Proxy: func(*url.URL) (*url.URL, error) { return nil, fmt.Errorf("no %s", word) }}, nil)
	if f := failure(t, s, channel(Webhook, "https://example.org/"+word), message()); strings.Contains(f.Error(), word) {
		t.Error(f)
	}
}

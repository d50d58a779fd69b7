package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// shortestKey of a signature, in bytes, is what Standard Webhooks asks for.
const shortestKey = 24

// webhook is a CloudEvent in binary mode, signed as Standard Webhooks has it if the Secret holds a key.
func webhook(c *Channel, m *Message, now time.Time) (*request, error) {
	u, err := c.address()
	if err != nil {
		return nil, err
	}
	r, err := posting(u, m)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"ce-specversion": "1.0",
		"ce-id":          m.ID,
		"ce-type":        "io.kymaros.restoretest." + string(m.Event) + "." + Version,
		"ce-source":      source(m),
		"ce-time":        rfc3339(m.Time),
		"webhook-id":     m.ID,
	} {
		r.header[name] = ascii(value)
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	r.header["webhook-timestamp"] = timestamp
	if key, value := c.value("signing-key", "secret"); key != "" {
		if r.header["webhook-signature"], err = sign(key, value, r.header["webhook-id"]+"."+timestamp+".", r.body); err != nil {
			return nil, err
		}
	}
	if _, value := c.value("authorization"); value != "" {
		if value != ascii(value) {
			return nil, misconfigured(`"authorization" of the Secret is no line of ASCII, such as "Bearer ..."`)
		}
		r.header["Authorization"] = value
	}
	return r, nil
}

func source(m *Message) string {
	return "/clusters/" + url.PathEscape(m.Cluster.ID) + "/namespaces/" + url.PathEscape(m.Test.Namespace) + "/restoretests/" + url.PathEscape(m.Test.Name)
}

// sign returns a signature by each of the keys, of which there are several while one replaces another.
func sign(name, keys, prefix string, body []byte) (string, error) {
	var signatures []string
	for encoded := range strings.FieldsSeq(keys) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(encoded, "whsec_"))
		if err != nil || len(key) < shortestKey {
			return "", misconfigured("%q of the Secret is no base64 of %d bytes or more, with or without whsec_ before it: make one by openssl rand -base64 32", name, shortestKey)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(prefix))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signatures, " "), nil
}

// ascii leaves out of a header whatever is not printable ASCII.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

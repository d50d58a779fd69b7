package caller

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// claims are what a token says of itself. Nobody has verified them: they only tell which question to ask the API server, and
// shorten how long its answer is remembered.
type claims struct {
	Audience audiences `json:"aud"`
	Expires  float64   `json:"exp"`
}

// audiences may be one text or several.
type audiences []string

func (a *audiences) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}

// peek reads the claims of a token, if it has some.
func peek(token string) claims {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}
	}
	return c
}

// left is how long the token is good, for ever if it does not say.
func (c claims) left(now time.Time) time.Duration {
	if c.Expires <= 0 || c.Expires > 1<<33 {
		return StaleFor
	}
	return max(0, time.Unix(int64(c.Expires), 0).Sub(now))
}

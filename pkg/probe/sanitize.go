package probe

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage is the longest message of a verdict, in bytes.
const maxMessage = 256

// sanitize makes text fit for a status: one line of printable characters, at most maxMessage bytes. Part of it may come
// from the sandbox, and is shown on terminals and web pages.
func sanitize(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // control characters, and marks that turn the direction of writing
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxMessage {
		return text
	}
	const more = "…"
	end := maxMessage - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}

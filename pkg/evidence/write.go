package evidence

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxInteger is the largest number that canonical JSON holds exactly: beyond, different numbers have one digest.
const maxInteger = 1<<53 - 1

// refusal says which field canonical JSON does not keep.
type refusal struct{ field, why string }

func (r *refusal) Error() string { return r.field + ": " + r.why }

// in returns r as of a field of what it was found in.
func (r *refusal) in(field string) *refusal { return &refusal{field + r.field, r.why} }

// write appends v, as the API server's JSON reader returns it, in canonical form. It is written here in one pass, and not by a library
// from other JSON, for an export and a verification have all reports written so, and did little else. Numbers are whole, which spares
// what is difficult in the standard.
func write(to []byte, v any) ([]byte, *refusal) {
	switch v := v.(type) {
	case map[string]any:
		return writeObject(to, v)
	case []any:
		return writeArray(to, v)
	case string:
		return writeString(to, v), nil
	case bool:
		return strconv.AppendBool(to, v), nil
	case nil:
		return append(to, "null"...), nil
	case int64:
		if v > maxInteger || v < -maxInteger {
			return nil, &refusal{"", fmt.Sprintf("%d is beyond 2^53, so no digest of it is exact", v)}
		}
		return strconv.AppendInt(to, v, 10), nil
	case float64:
		return nil, &refusal{"", fmt.Sprintf("%v is no whole number, or beyond 2^63, so no digest of it is exact", v)}
	}
	return nil, &refusal{"", fmt.Sprintf("a %T is nothing that the API server stores", v)}
}

func writeObject(to []byte, fields map[string]any) (_ []byte, refused *refusal) {
	if fields == nil {
		return append(to, "null"...), nil
	}
	to = append(to, '{')
	for i, name := range slices.SortedFunc(maps.Keys(fields), byUnits) {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(writeString(to, name), ':')
		if to, refused = write(to, fields[name]); refused != nil {
			return nil, refused.in("." + name)
		}
	}
	return append(to, '}'), nil
}

func writeArray(to []byte, items []any) (_ []byte, refused *refusal) {
	if items == nil {
		return append(to, "null"...), nil
	}
	to = append(to, '[')
	for i, item := range items {
		if i > 0 {
			to = append(to, ',')
		}
		if to, refused = write(to, item); refused != nil {
			return nil, refused.in(fmt.Sprintf("[%d]", i))
		}
	}
	return append(to, ']'), nil
}

// short are the characters that have an escape of two characters.
const short = "\"\\\b\f\n\r\t"

// writeString escapes no more than must be. What is no UTF-8 becomes U+FFFD, as everywhere in Go's JSON.
func writeString(to []byte, s string) []byte {
	to = append(to, '"')
	for _, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			to = utf8.AppendRune(to, c)
		} else if at := strings.IndexRune(short, c); at >= 0 {
			to = append(to, '\\', "\"\\bfnrt"[at])
		} else {
			to = fmt.Appendf(to, `\u%04x`, c)
		}
	}
	return append(to, '"')
}

// byUnits orders names by their UTF-16 units, as the standard wants it. That is the order of their UTF-8, but that characters beyond
// U+FFFF come before those from U+E000 on.
func byUnits(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := rank(a[i]), rank(b[i]); x != y {
			return x - y
		}
	}
	return len(a) - len(b)
}

// rank returns where a byte of UTF-8 stands: 0xee and 0xef begin the characters from U+E000 to U+FFFF, 0xf0 to 0xf4 those beyond.
func rank(c byte) int {
	if c == 0xee || c == 0xef {
		return int(c) + 0x10
	}
	return int(c)
}

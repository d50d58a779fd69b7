package notify

import (
	"bytes"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// compose writes a mail. Lines of a mail are bounded, so long headers go on in others, which begin with a space. Every header is made of an address that was parsed, of a digest, or is encoded, so none ends where another
// may begin.
func compose(from *mail.Address, to []*mail.Address, m *Message, now time.Time) []byte {
	domain := domainOf(from)
	recipients := make([]string, 0, len(to))
	for _, a := range to {
		recipients = append(recipients, a.String())
	}
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", strings.Join(recipients, ",\r\n ")},
		{"Subject", strings.ReplaceAll(mime.QEncoding.Encode("utf-8", m.headline(200)), "?= =?", "?=\r\n =?")},
		{"Date", now.UTC().Format(time.RFC1123Z)},
		// The same at each attempt, so that a mail that comes twice is shown once; and all mails of a test hang together.
		{"Message-ID", "<" + digest(m.ID) + "@" + domain + ">"},
		{"References", "<" + digest(m.subject()) + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, // so that nobody's absence is answered
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(strings.ReplaceAll(m.text(same)+"\n", "\n", "\r\n"))) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func same(s string) string { return s }

func domainOf(a *mail.Address) string { return a.Address[strings.LastIndexByte(a.Address, '@')+1:] }

package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// SendError is why a message did not arrive, or may not have. Send returns no other error. Its text is made of sentences of this package
// alone: it holds no address, no secret and no word of an answer, so it may be logged and be put into conditions. It is the same for
// the same cause.
type SendError struct {
	// Permanent: trying again does not help; something has to be changed first.
	Permanent bool
	// RetryAfter is how long the receiver asks to be left alone, a day at most; 0: it does not say.
	RetryAfter time.Duration

	text string
}

// Error says what happened and what to do, as a clause that begins small.
func (f *SendError) Error() string { return f.text }

// misconfigured is a failure that only whoever configures the channel can end. The arguments must be words of this package or keys of
// a Secret, never its values.
func misconfigured(format string, args ...any) *SendError {
	return &SendError{Permanent: true, text: fmt.Sprintf(format, args...)}
}

// answered is the failure that the status of an answer means, nil if it means none.
func answered(status int, header http.Header, now time.Time) error {
	f := &SendError{text: "the receiver answered with status " + strconv.Itoa(status), RetryAfter: retryAfter(header.Get("Retry-After"), now)}
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return misconfigured("the receiver answered with status %d, and redirects are not followed: put the address where they end into the Secret", status)
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status == http.StatusTooManyRequests, status >= 500:
		return f
	}
	f.Permanent, f.RetryAfter = true, 0
	f.text += ": check what the Secret holds"
	return f
}

// retryAfter reads that header, seconds or a date; 0 if it is neither, or is past.
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		if !(n > 0) {
			return 0
		}
		d = time.Duration(min(n, 86400) * float64(time.Second))
	} else if date, err := http.ParseTime(value); err == nil {
		d = date.Sub(now)
	}
	return min(max(d, 0), 24*time.Hour)
}

// unanswered is the failure that an error of a connection means. It says nothing that the error says: that holds the address.
func unanswered(err error, who string, timeout time.Duration) *SendError {
	var (
		dns      *net.DNSError
		netError net.Error
		unknown  x509.UnknownAuthorityError
		name     x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		op       *net.OpError
	)
	switch {
	case errors.Is(err, errPrivate):
		return misconfigured("the address of %s is private, loopback or link-local: an administrator may allow it by --notify-allow-cidr", who)
	case errors.Is(err, errPlaintext):
		return misconfigured("%s is to be reached by plain http:// at an address that --notify-allow-cidr does not allow: use https://", who)
	case errors.Is(err, context.Canceled):
		return &SendError{text: "the attempt was broken off, for kymaros-notify ends"}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netError) && netError.Timeout() && !errors.As(err, &dns):
		return &SendError{text: fmt.Sprintf("%s did not answer within %s", who, timeout)}
	case errors.As(err, &dns):
		return &SendError{text: "the name of " + who + " does not resolve"}
	case errors.As(err, &unknown):
		return &SendError{text: "the certificate of " + who + " is of an authority that is not trusted"}
	case errors.As(err, &name):
		return &SendError{text: "the certificate of " + who + " is for another name"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &SendError{text: "the certificate of " + who + " has expired, or is not valid yet"}
	case errors.As(err, &invalid):
		return &SendError{text: "the certificate of " + who + " is not valid"}
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &op) && strings.HasSuffix(op.Op, " error"):
		// TLS names its alerts "local error" and "remote error".
		return &SendError{text: who + " and kymaros-notify agree on no TLS"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &SendError{text: who + " refuses connections"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &SendError{text: who + " closed the connection without an answer, so the message may have arrived"}
	}
	return &SendError{text: "the exchange with " + who + " failed"}
}

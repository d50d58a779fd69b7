package notify

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

func TestWhatAnErrorOfAConnectionMeans(t *testing.T) {
	op := func(err error) error { return &net.OpError{Op: "read", Net: "tcp", Err: err} }
	const lost = "the receiver closed the connection without an answer, so the message may have arrived"
	for _, c := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "i/o timeout", IsTimeout: true}, "the name of the receiver does not resolve"},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, "the name of the receiver does not resolve"},
		{op(context.DeadlineExceeded), "the receiver did not answer within 1m0s"},
		{op(syscall.ETIMEDOUT), "the receiver did not answer within 1m0s"},
		{context.Canceled, "the attempt was broken off, for kymaros-notify ends"},
		{x509.CertificateInvalidError{Reason: x509.Expired}, "the certificate of the receiver has expired, or is not valid yet"},
		{x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, "the certificate of the receiver is not valid"},
		{http.ErrSchemeMismatch, "the receiver and kymaros-notify agree on no TLS"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "the receiver and kymaros-notify agree on no TLS"},
		{op(syscall.ECONNREFUSED), "the receiver refuses connections"},
		{op(syscall.ECONNRESET), lost},
		{op(syscall.EPIPE), lost},
		{io.EOF, lost},
		{io.ErrUnexpectedEOF, lost},
		{op(syscall.EHOSTUNREACH), "the exchange with the receiver failed"},
		{errors.New("https://example.org/token"), "the exchange with the receiver failed"},
	} {
		if f := unanswered(fmt.Errorf("Post: %w", c.err), "the receiver", time.Minute); *f != (SendError{text: c.want}) {
			t.Errorf("%v: got %+v, want %q, to be tried again", c.err, *f, c.want)
		}
	}
}

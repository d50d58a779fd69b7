package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// httpGet passes when a GET is answered with the expected status. The body is never read, and no redirect followed.
func (p *Prober) httpGet(ctx context.Context, among []v1alpha1.SandboxNamespace, check *v1alpha1.HTTPGetCheck) (string, error) {
	request, err := httpRequest(ctx, check)
	if err != nil {
		return "", err
	}
	at, err := p.endpoint(ctx, among, check.Service, check.Port)
	if err != nil {
		return "", err
	}
	t, err := p.open(ctx, at)
	if err != nil {
		return "", err
	}
	defer t.Close()
	transport := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return t, nil },
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true, ServerName: check.Service}, // the names in it are production's
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "", fmt.Errorf("port %d of pod %s: %w", at.port, at.pod, httpError(ctx, err, t))
	}
	_ = response.Body.Close()
	if response.StatusCode != int(check.ExpectedStatus) {
		return "", fmt.Errorf("status %d, expected %d%s", response.StatusCode, check.ExpectedStatus, at.several)
	}
	return fmt.Sprintf("status %d%s", response.StatusCode, at.several), nil
}

func httpRequest(ctx context.Context, check *v1alpha1.HTTPGetCheck) (*http.Request, error) {
	if !strings.HasPrefix(check.Path, "/") {
		return nil, finalf("httpGet.path must begin with /")
	}
	scheme := check.Scheme
	if scheme == "" {
		scheme = "http"
	}
	// The host only names the Service: the connection is the tunnel.
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+check.Service+check.Path, nil)
	if err != nil {
		return nil, finalf("httpGet.path is no path of a URL")
	}
	request.Header.Set("User-Agent", "kymaros")
	return request, nil
}

// httpError says why there was no answer. Errors of net/http quote what the server sent, so none of them is passed on.
func httpError(ctx context.Context, err error, t *tunnel) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case <-t.ended:
		if t.refusal != nil {
			return t.refusal
		}
	default:
	}
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &notTLS):
		return errors.New("the port does not speak TLS")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed without an answer")
	}
	return errors.New("the answer is not HTTP")
}

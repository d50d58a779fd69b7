package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// put writes a certificate of that name into a directory, as the kubelet does: all at once.
func put(t *testing.T, directory, name string) {
	t.Helper()
	made, err := selfSigned([]string{name}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: made.Certificate[0]}, "tls.key": {Type: "PRIVATE KEY", Bytes: key}} {
		if err := os.WriteFile(filepath.Join(directory, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACertificateIsReadAgainWhenItChanges(t *testing.T) {
	directory := t.TempDir()
	var out bytes.Buffer
	ctx := klog.NewContext(t.Context(), textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&out))))
	c, err := newCertificates(ctx, directory, "kymaros-system")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	name := func() string {
		now = now.Add(lookEvery)
		return c.get(ctx).Leaf.DNSNames[0]
	}
	if got := name(); got != "kymaros-api" || !strings.Contains(out.String(), "sha256=") {
		t.Errorf("without files: %s, log %s", got, out.String())
	}
	if err := c.get(ctx).Leaf.VerifyHostname("kymaros-api.kymaros-system.svc"); err != nil {
		t.Error(err)
	}
	put(t, directory, "first")
	if got := name(); got != "first" {
		t.Errorf("with files: %s", got)
	}
	put(t, directory, "second-name")
	if got := c.get(ctx).Leaf.DNSNames[0]; got != "first" {
		t.Errorf("the files are looked at for each connection: %s", got)
	}
	if got := name(); got != "second-name" {
		t.Errorf("with other files: %s", got)
	}
	if err := os.WriteFile(filepath.Join(directory, "tls.crt"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "second-name" || !strings.Contains(out.String(), "cannot be read again") {
		t.Errorf("with half of a file: %s", got)
	}
	put(t, directory, "third")
	if got := name(); got != "third" {
		t.Errorf("after that: %s", got)
	}
	if err := os.Remove(filepath.Join(directory, "tls.key")); err != nil {
		t.Fatal(err)
	}
	if got := name(); got != "third" {
		t.Errorf("without its key: %s", got)
	}
	if _, err := newCertificates(ctx, directory, "n"); err != nil {
		t.Errorf("a start without a key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(directory, "tls.key"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newCertificates(ctx, directory, "n"); err == nil || !strings.Contains(err.Error(), "--tls-directory") {
		t.Errorf("a start with a wrong key: %v", err)
	}
}

func TestACertificateThatIsSignedHereIsRenewedInTime(t *testing.T) {
	c, err := newCertificates(t.Context(), "", "n")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	first := c.get(t.Context())
	now = now.Add(selfSignedFor - renewBefore - 24*time.Hour)
	if c.get(t.Context()) != first {
		t.Error("it is renewed too early")
	}
	now = now.Add(2 * 24 * time.Hour)
	if second := c.get(t.Context()); second == first || second.Leaf.NotAfter.Before(now.Add(selfSignedFor-24*time.Hour)) {
		t.Error("it is not renewed")
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	a := &stub{HandlerFunc: func(http.ResponseWriter, *http.Request) {}}
	address, _, end, result := start(t, a, func(*Options) {})
	defer func() {
		end()
		if err := <-result; err != nil {
			t.Error(err)
		}
	}()
	if conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if state := conn.ConnectionState(); state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != "h2" {
		t.Errorf("spoken is %x, %s", state.Version, state.NegotiatedProtocol)
	}
}

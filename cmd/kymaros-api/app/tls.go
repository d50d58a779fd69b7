package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

const (
	// lookEvery is how long a new certificate may go unnoticed.
	lookEvery = 5 * time.Second
	// A certificate that is signed here lives for selfSignedFor, and is made anew when renewBefore of that is left.
	selfSignedFor = 365 * 24 * time.Hour
	renewBefore   = 30 * 24 * time.Hour
)

// certificates gives out the certificate in a directory, or one that is signed here as long as there is none.
type certificates struct {
	directory string // empty: none
	names     []string
	now       func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	self    bool // current is signed here
	stamp   string
	looked  time.Time
}

// newCertificates fails if what is in the directory is no certificate with its key.
func newCertificates(ctx context.Context, directory, namespace string) (*certificates, error) {
	c := &certificates{
		directory: directory, now: time.Now,
		names: []string{"kymaros-api", "kymaros-api." + namespace, "kymaros-api." + namespace + ".svc", "localhost"},
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c, c.refresh(ctx)
}

// config is of a server with these certificates.
func (c *certificates) config(ctx context.Context) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.get(ctx), nil
		},
	}
}

// get returns the certificate of now. What was good goes on if the files are being written, or are wrong.
func (c *certificates) get(ctx context.Context) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) >= lookEvery {
		if err := c.refresh(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "The certificate cannot be read again, the one before goes on", "directory", c.directory)
		}
	}
	return c.current
}

// refresh looks at the files. The lock is held.
func (c *certificates) refresh(ctx context.Context) error {
	c.looked = c.now()
	logger := klog.FromContext(ctx)
	cert, key := filepath.Join(c.directory, "tls.crt"), filepath.Join(c.directory, "tls.key")
	stamp, err := stampOf(cert, key)
	switch {
	case c.directory == "" || errors.Is(err, fs.ErrNotExist):
		if c.current != nil && (!c.self || c.current.Leaf.NotAfter.Sub(c.now()) > renewBefore) {
			return nil
		}
		made, err := selfSigned(c.names, c.now())
		if err != nil {
			return err
		}
		c.current, c.self = made, true
		fingerprint := sha256.Sum256(made.Leaf.Raw)
		logger.Info("There is no certificate, so this one is signed here: clients cannot verify it, but compare", "sha256", hex.EncodeToString(fingerprint[:]), "notAfter", made.Leaf.NotAfter)
		return nil
	case err != nil:
		return fmt.Errorf("--tls-directory: %w", err)
	case stamp == c.stamp:
		return nil
	}
	loaded, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("--tls-directory: %w", err)
	}
	c.current, c.self, c.stamp = &loaded, false, stamp
	logger.Info("Certificate read", "directory", c.directory, "notAfter", loaded.Leaf.NotAfter)
	return nil
}

// stampOf changes with the files.
func stampOf(files ...string) (string, error) {
	var stamp strings.Builder
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&stamp, "%d/%d;", info.ModTime().UnixNano(), info.Size())
	}
	return stamp.String(), nil
}

// selfSigned makes a certificate whose key never leaves this process.
func selfSigned(names []string, now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   now.Add(-time.Hour), NotAfter: now.Add(selfSignedFor), // clocks differ
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}, nil
}

// Package bucket keeps archived reports in an object store that speaks S3.
package bucket

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/kymaros/kymaros/pkg/archive"
)

// answerWithin bounds how long a store may take to begin its answer.
const answerWithin = 15 * time.Second

// Options tell where a bucket is, and how objects are kept in it.
type Options struct {
	// Endpoint is the address of the store, such as https://s3.example.org.
	Endpoint string
	// Bucket, which has to be there, and its region.
	Bucket, Region string
	// Prefix is put before the names of objects; it may be empty.
	Prefix string
	// AccessKeyFile and SecretKeyFile hold the credentials. They are read again whenever they are used.
	AccessKeyFile, SecretKeyFile string
	// CAFile holds certificates, PEM, that the store's is signed by; empty: those of the system.
	CAFile string
	// Retention is how long an object stays locked, with a mode GOVERNANCE or COMPLIANCE. Without a mode the bucket decides.
	Mode      string
	Retention time.Duration
}

// Bucket is a sink in an object store that speaks S3, and knows conditional writes.
type Bucket struct {
	client *minio.Client
	o      Options
}

// New returns a bucket. It asks nothing of the store.
func New(o Options) (*Bucket, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, err
	}
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, err
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in PEM", o.CAFile)
		}
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.New(&files{access: o.AccessKeyFile, secret: o.SecretKeyFile}), Secure: u.Scheme == "https", Region: o.Region,
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: archive.Workers,
			TLSHandshakeTimeout: answerWithin, ResponseHeaderTimeout: answerWithin, IdleConnTimeout: time.Minute,
		},
		MaxRetries: 1, // the controller tries again, and tells of it
	})
	if err != nil {
		return nil, err
	}
	o.Prefix = strings.Trim(o.Prefix, "/")
	return &Bucket{client: client, o: o}, nil
}

func (b *Bucket) key(name string) string { return path.Join(b.o.Prefix, name) }

// Prepare refuses a store that overwrites an object although it is asked not to.
func (b *Bucket) Prepare(ctx context.Context) error {
	err := b.Put(ctx, archive.Marker, []byte(archive.MarkerText))
	if err == nil { // it was not there
		err = b.Put(ctx, archive.Marker, []byte(archive.MarkerText))
	}
	switch {
	case errors.Is(err, archive.ErrThere):
		return nil
	case err != nil:
		return err
	}
	return errors.New("the store overwrites objects: it does not know If-None-Match for PUT, so nothing is written to it")
}

// List returns the names of objects, see Sink.
func (b *Bucket) List(ctx context.Context, dir, after string) ([]string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	prefix := b.key(dir) + "/"
	options := minio.ListObjectsOptions{Prefix: prefix}
	if after != "" {
		options.StartAfter = prefix + after
	}
	var names []string
	for object := range b.client.ListObjects(ctx, b.o.Bucket, options) {
		if object.Err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, object.Err)
		}
		// Of a store that does not know where to begin.
		if name := strings.TrimPrefix(object.Key, prefix); name > after && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Put writes an object, if there is none of that name, see Sink.
func (b *Bucket) Put(ctx context.Context, name string, body []byte) error {
	options := minio.PutObjectOptions{ContentType: "application/json", SendContentMd5: true, DisableMultipart: true}
	if b.o.Mode != "" {
		options.Mode, options.RetainUntilDate = minio.RetentionMode(b.o.Mode), time.Now().Add(b.o.Retention).UTC().Truncate(time.Second)
	}
	options.SetMatchETagExcept("*") // If-None-Match
	_, err := b.client.PutObject(ctx, b.o.Bucket, b.key(name), bytes.NewReader(body), int64(len(body)), options)
	if minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return archive.ErrThere
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

// Get returns an object.
func (b *Bucket) Get(ctx context.Context, name string) ([]byte, error) {
	object, err := b.client.GetObject(ctx, b.o.Bucket, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	defer object.Close()
	body, err := io.ReadAll(io.LimitReader(object, maxObject))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return body, nil
}

// maxObject bounds what is read of an object: the API server stores no report that is as large.
const maxObject = 16 << 20

// files are credentials that are mounted, and read for each request: they may be others by then.
type files struct{ access, secret string }

func (f *files) Retrieve() (credentials.Value, error) {
	access, err := os.ReadFile(f.access)
	if err != nil {
		return credentials.Value{}, err
	}
	secret, err := os.ReadFile(f.secret)
	if err != nil {
		return credentials.Value{}, err
	}
	return credentials.Value{
		AccessKeyID: strings.TrimSpace(string(access)), SecretAccessKey: strings.TrimSpace(string(secret)), SignerType: credentials.SignatureV4,
	}, nil
}

func (f *files) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	return f.Retrieve()
}

func (f *files) IsExpired() bool { return true }

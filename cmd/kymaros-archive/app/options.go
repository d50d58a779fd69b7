package app

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/spf13/pflag"

	"github.com/kymaros/kymaros/cmd/internal/process"
	"github.com/kymaros/kymaros/pkg/archive"
	"github.com/kymaros/kymaros/pkg/archive/bucket"
)

// Options are the flags of kymaros-archive.
type Options struct {
	process.APIServer
	process.Listens

	// Directory is the sink, unless it is a bucket.
	Directory string
	Bucket    bucket.Options
	// RetentionDays is how long objects of the bucket are locked.
	RetentionDays int
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	return &Options{
		APIServer: process.APIServer{QPS: 20, Burst: 50}, Listens: process.NewListens(),
		Bucket: bucket.Options{Region: "us-east-1", AccessKeyFile: "/etc/kymaros-archive/credentials/access-key", SecretKeyFile: "/etc/kymaros-archive/credentials/secret-key"},
	}
}

// AddFlags adds the flags to fs, and klog's.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	o.APIServer.AddFlags(fs, "")
	o.Listens.AddFlags(fs, ", which name no test")
	fs.StringVar(&o.Directory, "directory", o.Directory, "directory to write reports to, such as that of a volume; or name a bucket")
	b := &o.Bucket
	fs.StringVar(&b.Bucket, "s3-bucket", b.Bucket, "bucket to write reports to, instead of a directory. The store has to know If-None-Match for PUT")
	fs.StringVar(&b.Endpoint, "s3-endpoint", b.Endpoint, "address of the store of that bucket, such as https://s3.example.org")
	fs.StringVar(&b.Region, "s3-region", b.Region, "region of that bucket")
	fs.StringVar(&b.Prefix, "s3-prefix", b.Prefix, "what the names of objects begin with")
	fs.StringVar(&b.AccessKeyFile, "s3-access-key-file", b.AccessKeyFile, "file with the id of the access key; read again for each request")
	fs.StringVar(&b.SecretKeyFile, "s3-secret-key-file", b.SecretKeyFile, "file with the secret of that key")
	fs.StringVar(&b.CAFile, "s3-ca-file", b.CAFile, "file with the certificates, PEM, that the store's is signed by; empty: those of the system")
	fs.StringVar(&b.Mode, "s3-lock-mode", b.Mode, "lock each object in this mode, GOVERNANCE or COMPLIANCE; empty: as the bucket does by default")
	fs.IntVar(&o.RetentionDays, "s3-lock-days", o.RetentionDays, "for how many days, with --s3-lock-mode")
	process.AddLogging(fs)
}

// Validate returns what is wrong with the options, each with its flag.
func (o *Options) Validate() error {
	var errs []error
	wrong := func(flag, value, what string) { errs = append(errs, fmt.Errorf("--%s=%q: %s", flag, value, what)) }
	b := o.Bucket
	switch {
	case (o.Directory == "") == (b.Bucket == ""):
		wrong("directory", o.Directory, "name a directory, or a bucket with --s3-bucket, and not both")
	case b.Bucket != "":
		if u, err := url.Parse(b.Endpoint); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Path != "" && u.Path != "/" {
			wrong("s3-endpoint", b.Endpoint, "must be an address such as https://s3.example.org")
		}
		for flag, value := range map[string]string{"s3-region": b.Region, "s3-access-key-file": b.AccessKeyFile, "s3-secret-key-file": b.SecretKeyFile} {
			if value == "" {
				wrong(flag, value, "must not be empty")
			}
		}
	}
	switch b.Mode {
	case "":
		if o.RetentionDays != 0 {
			wrong("s3-lock-days", fmt.Sprint(o.RetentionDays), "needs --s3-lock-mode")
		}
	case "GOVERNANCE", "COMPLIANCE":
		if o.RetentionDays < 1 || o.RetentionDays > 36500 {
			wrong("s3-lock-days", fmt.Sprint(o.RetentionDays), "must be from 1 to 36500")
		}
	default:
		wrong("s3-lock-mode", b.Mode, "must be GOVERNANCE or COMPLIANCE")
	}
	return errors.Join(append(errs, o.APIServer.Validate(), o.Listens.Validate())...)
}

// sink returns where reports go.
func (o *Options) sink() (archive.Sink, error) {
	if o.Directory != "" {
		return archive.Directory(o.Directory), nil
	}
	b := o.Bucket
	b.Retention = time.Duration(o.RetentionDays) * 24 * time.Hour
	sink, err := bucket.New(b)
	if err != nil {
		return nil, fmt.Errorf("--s3-bucket: %w", err)
	}
	return sink, nil
}

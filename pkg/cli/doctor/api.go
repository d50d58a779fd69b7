package doctor

import (
	"crypto/tls"
	"fmt"
	"time"
)

const (
	// api is the Deployment of the API.
	api = "kymaros-api"
	// renew is how long before its end a certificate should have been renewed: what renews by itself does so earlier.
	renew = 14 * 24 * time.Hour
)

// Certificate of the API, as its Secret holds it.
type Certificate struct {
	Secret   string
	PEM, Key []byte
}

var ofAPI = []check{
	{"kymaros", "api", []Look{LookWorkloads}, func(s *Seen) []Result {
		d := s.Deployments[s.System+"/"+api]
		if d == nil {
			return ok("there is no API, and nothing needs one")
		}
		r := workload(d, s.System, api, "manifests/50-api.yaml", "the API and its dashboard do not answer")
		if r[0].State == Failed { // tests run without it
			r[0].State = Warning
		}
		return r
	}},
	{"kymaros", "certificate", []Look{LookCertificate}, func(s *Seen) []Result {
		c := s.Certificate
		if c == nil {
			return ok("no Secret holds a certificate of the API")
		}
		name := fmt.Sprintf("the certificate of the API (Secret %s/%s)", s.System, c.Secret)
		pair, err := tls.X509KeyPair(c.PEM, c.Key)
		if err != nil {
			return fail(name+" cannot be used: "+err.Error(), "put a certificate and its own key into the Secret, as tls.crt and tls.key")
		}
		const remedy = "renew it in the Secret: the API reads it again by itself"
		switch left := pair.Leaf.NotAfter.Sub(s.Now); {
		case left <= 0:
			return fail(name+" ended "+pair.Leaf.NotAfter.UTC().Format(time.DateOnly), remedy)
		case s.Now.Before(pair.Leaf.NotBefore):
			return fail(name+" begins "+pair.Leaf.NotBefore.UTC().Format(time.DateOnly), "see that the clocks agree, or make one that is good now")
		case left < renew:
			return warn(fmt.Sprintf("%s ends in %d days", name, int(left.Hours()/24)), remedy)
		default:
			return ok(fmt.Sprintf("%s is good for %d days", name, int(left.Hours()/24)))
		}
	}},
}

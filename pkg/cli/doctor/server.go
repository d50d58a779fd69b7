package doctor

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// dated notes the time of the API server by the header of an answer.
type dated struct {
	http.RoundTripper
	date string
}

func (d *dated) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := d.RoundTripper.RoundTrip(r)
	if err == nil {
		d.date = response.Header.Get("Date")
	}
	return response, err
}

func (g gatherer) server(ctx context.Context) error {
	d := &dated{}
	config := rest.CopyConfig(g.c.Config)
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper {
		d.RoundTripper = rt
		return d
	})
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	before := time.Now()
	info, err := g.c.Kube.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	g.Server = info.GitVersion
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(config.Host, "/")+"/version", nil)
	if err == nil {
		if response, err := transport.Do(request); err == nil {
			_ = response.Body.Close()
			if at, err := http.ParseTime(d.date); err == nil {
				g.ServerTime, g.LocalTime = at, before
			}
		}
	}
	resources, err := g.c.Kube.Discovery().ServerResourcesForGroupVersion("admissionregistration.k8s.io/v1")
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	g.Admission = resources != nil && slices.ContainsFunc(resources.APIResources, func(r metav1.APIResource) bool { return r.Name == "validatingadmissionpolicies" })
	return nil
}

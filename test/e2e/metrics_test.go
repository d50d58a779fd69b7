package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestAPodGetsTheMetricsByItsToken: a pod anywhere in the cluster, as a Prometheus is one.
func TestAPodGetsTheMetricsByItsToken(t *testing.T) {
	t.Parallel()
	scraper := cluster.AccountToken(t, "scraper", "kymaros-metrics-reader")
	other := cluster.AccountToken(t, "no-scraper", "")
	for _, tt := range []struct{ name, component, token, want string }{
		{"of the controller with the right", "controller", scraper, "kymaros_fence_intact"},
		{"of the prober with the right", "prober", scraper, "kymaros_prober_leading"},
		{"without the right", "controller", other, "403 Forbidden"},
		{"without a token", "controller", "", "401 Unauthorized"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The API server learns of the binding a moment later, and a refusal is remembered for some seconds.
			stage.Until(t, time.Minute, func(ctx context.Context) error {
				got, err := cluster.Scrape(ctx, web, tt.component, tt.token)
				if err != nil {
					got = err.Error()
				}
				if !strings.Contains(got, tt.want) {
					return fmt.Errorf("got %.300q, want %q", got, tt.want)
				}
				return nil
			})
		})
	}
}

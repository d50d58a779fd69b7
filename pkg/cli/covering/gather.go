package covering

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/pkg/coverage/gather"
)

// look looks at the cluster. Unseen names what this user may not see; what then is not known counts as not proven.
func look(ctx context.Context, c client.Clients, veleroNamespace string, now time.Time, maxAge time.Duration) (in coverage.Input, unseen []string, err error) {
	in = coverage.Input{Now: now, MaxAge: maxAge}
	// There may be tens of thousands of reports: everything else is asked for meanwhile.
	var asked sync.WaitGroup
	var ofTests, ofReports error
	asked.Go(func() { in.Tests, ofTests = c.Tests(ctx, "", "") })
	asked.Go(func() { in.Reports, _, ofReports = c.Reports(ctx, "", "") })
	missing, err := gather.Place{Core: c.Kube.CoreV1(), Kymaros: c.Kymaros, VeleroNamespace: veleroNamespace}.Look(ctx, &in)
	asked.Wait()
	if needed := new(gather.NeededError); errors.As(err, &needed) {
		return in, nil, fmt.Errorf("cannot %w", err)
	}
	if err != nil {
		return in, nil, err
	}
	for _, u := range missing {
		unseen = append(unseen, u.Resource)
	}
	for what, err := range map[string]error{"restoretests": ofTests, "restorereports": ofReports} {
		switch {
		case apierrors.IsForbidden(err), apierrors.IsNotFound(err): // no right, or no such kind
			unseen = append(unseen, what)
		case err != nil:
			return in, nil, err
		}
	}
	slices.Sort(unseen)
	return in, unseen, nil
}

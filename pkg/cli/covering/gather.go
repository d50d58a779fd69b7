package covering

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kymaros/kymaros/pkg/cli/client"
	"github.com/kymaros/kymaros/pkg/coverage"
	"github.com/kymaros/kymaros/pkg/coverage/gather"
)

// look looks at the cluster. Unseen names what this user may not see; what then is not known counts as not proven.
func look(ctx context.Context, c client.Clients, veleroNamespace string, now time.Time, maxAge time.Duration) (in coverage.Input, unseen []string, err error) {
	in = coverage.Input{Now: now, MaxAge: maxAge}
	missing, err := gather.Place{Core: c.Kube.CoreV1(), Kymaros: c.Kymaros, VeleroNamespace: veleroNamespace}.Look(ctx, &in)
	if needed := new(gather.NeededError); errors.As(err, &needed) {
		return in, nil, fmt.Errorf("cannot %w", err)
	}
	if err != nil {
		return in, nil, err
	}
	for _, u := range missing {
		unseen = append(unseen, u.Resource)
	}
	may := func(what string, err error) error {
		if apierrors.IsForbidden(err) || apierrors.IsNotFound(err) { // no right, or no such kind
			unseen = append(unseen, what)
			return nil
		}
		return err
	}
	if in.Tests, err = c.Tests(ctx, "", ""); may("restoretests", err) != nil {
		return in, nil, err
	}
	if in.Reports, _, err = c.Reports(ctx, "", ""); may("restorereports", err) != nil {
		return in, nil, err
	}
	return in, unseen, nil
}

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestAfterAFailTheNewestBackupThatRestoresIsFound has a check that only the older one of two backups meets.
func TestAfterAFailTheNewestBackupThatRestoresIsFound(t *testing.T) {
	slow(t)
	t.Parallel()
	cluster.Untouched(t, shop.Namespace)
	rt := cluster.RestoreTest("search", "latest", shop.Namespace)
	rt.Spec.OnFailure = &v1alpha1.OnFailure{SearchLastGood: &v1alpha1.SearchLastGood{MaxRuns: 3}}
	rt = cluster.Start(t, rt, stage.CountOrders(stage.FewerOrders))
	stage.Until(t, 2*stage.RunTimeout, func(ctx context.Context) error {
		now, err := cluster.Current(ctx, rt)
		if err != nil {
			return err
		}
		if s := now.Status.Search; s == nil || s.State == v1alpha1.SearchUnderWay {
			return fmt.Errorf("search: %+v\n%s", s, stage.Conditions(now))
		}
		rt = now
		return nil
	})
	rt = cluster.AwaitOver(t, rt)
	cluster.NothingLeft(t, rt)
	s := rt.Status.Search
	if s.State != v1alpha1.SearchFound || s.Failed.BackupName != shop.Full || s.LastGood == nil || s.LastGood.BackupName != shop.Short || s.Runs != 1 {
		t.Fatalf("search: %+v", s)
	}
	if !strings.Contains(s.Message, shop.Short) || rt.Status.LastVerified == nil || rt.Status.LastVerified.BackupName != shop.Short {
		t.Errorf("search says %q, last verified %+v", s.Message, rt.Status.LastVerified)
	}
	said := false
	for message := range eventMessages(t, rt) {
		said = said || strings.Contains(message, s.Message)
	}
	if !said {
		t.Errorf("no event says %q", s.Message)
	}
	token := cluster.AccountToken(t, "search-scraper", "kymaros-metrics-reader")
	text, err := cluster.Scrape(t.Context(), web, "controller", token)
	must(t, err)
	if want := fmt.Sprintf("kymaros_last_good_backup_timestamp_seconds{namespace=%q,test=%q}", rt.Namespace, rt.Name); !strings.Contains(text, want) {
		t.Errorf("the metrics do not have %s", want)
	}
}

package exit

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

func TestWhatNobodyMappedIsNotABadBackup(t *testing.T) {
	for sentence, c := range map[string]struct {
		err  error
		want Code
	}{
		"nothing went wrong":        {nil, 0},
		"the backup is bad":         {For(Bad), 1},
		"the backup is doubtful":    {For(Doubtful), 2},
		"nothing could be told":     {For(Unknown), 3},
		"a verdict that is wrapped": {fmt.Errorf("test shop: %w", For(Bad)), 1},
		"usage":                     {errors.New("unknown flag: --foo"), 3},
		"no right":                  {apierrors.NewForbidden(schema.GroupResource{}, "shop", nil), 3},
		"not found":                 {apierrors.NewNotFound(schema.GroupResource{}, "shop"), 3},
		"a timeout":                 {context.DeadlineExceeded, 3},
		"an interrupt":              {context.Canceled, 3},
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%s: %d, want %d", sentence, got, c.want)
		}
	}
}

func TestEveryResultHasItsCode(t *testing.T) {
	for result, want := range map[v1alpha1.Result]Code{
		v1alpha1.ResultPass: 0, v1alpha1.ResultFail: 1, v1alpha1.ResultPartial: 2, v1alpha1.ResultInconclusive: 3, "": 3, "later": 3,
	} {
		if got := OfResult(result); got != want {
			t.Errorf("%q: %d, want %d", result, got, want)
		}
	}
}

func TestABadBackupOutweighsAllElse(t *testing.T) {
	for _, c := range []struct {
		codes []Code
		want  Code
	}{{nil, 0}, {[]Code{0, 2}, 2}, {[]Code{2, 3, 0}, 3}, {[]Code{3, 1, 2}, 1}} {
		if got := Worst(c.codes...); got != c.want {
			t.Errorf("%v: %d, want %d", c.codes, got, c.want)
		}
	}
}

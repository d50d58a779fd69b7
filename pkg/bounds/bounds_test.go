package bounds

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var all = Bounds{CPU: resource.MustParse("4"), Memory: resource.MustParse("8Gi"), Storage: resource.MustParse("50Gi"), TTL: 2 * time.Hour}

func TestATestThatAsksForMoreIsTold(t *testing.T) {
	quota := func(cpu, memory, storage v1alpha1.Quantity) v1alpha1.RestoreTestSpec {
		return v1alpha1.RestoreTestSpec{Sandbox: v1alpha1.SandboxSpec{ResourceQuota: v1alpha1.SandboxQuota{CPU: cpu, Memory: memory, Storage: storage}}}
	}
	times := func(ttl, timeout v1alpha1.Duration) v1alpha1.RestoreTestSpec {
		return v1alpha1.RestoreTestSpec{Sandbox: v1alpha1.SandboxSpec{TTL: ttl}, Timeout: &timeout}
	}
	for name, c := range map[string]struct {
		bounds Bounds
		spec   v1alpha1.RestoreTestSpec
		says   []string // empty: it may
	}{
		"one that asks for nothing may":        {all, quota("", "", ""), nil},
		"one that asks for all there is may":   {all, quota("4000m", "8192Mi", "50Gi"), nil},
		"cpu":                                  {all, quota("4001m", "", ""), []string{"spec.sandbox.resourceQuota.cpu: 4001m", "the 4 that", "--max-sandbox-cpu"}},
		"memory":                               {all, quota("", "9Gi", ""), []string{"spec.sandbox.resourceQuota.memory: 9Gi", "8Gi", "--max-sandbox-memory"}},
		"storage":                              {all, quota("", "", "1Ti"), []string{"spec.sandbox.resourceQuota.storage: 1Ti", "50Gi", "--max-sandbox-storage"}},
		"life":                                 {all, times("3h", ""), []string{"spec.sandbox.ttl: 3h", "2h0m0s", "--max-sandbox-ttl"}},
		"time":                                 {all, times("", "121m"), []string{"spec.timeout: 121m", "2h0m0s", "--max-sandbox-ttl"}},
		"everything at once":                   {all, quota("5", "9Gi", "51Gi"), []string{"--max-sandbox-cpu", "--max-sandbox-memory", "--max-sandbox-storage"}},
		"all the time there is":                {all, times("2h", "120m"), nil},
		"without bounds it may have all":       {Bounds{}, quota("1000", "1000Gi", "1000Ti"), nil},
		"without a bound it may have all time": {Bounds{}, times("9999h", "9999h"), nil},
		"what cannot be read is not judged":    {all, quota("banana", "", ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.bounds.Exceeded(&c.spec)
			if (err == nil) != (len(c.says) == 0) {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in: %v", want, err)
				}
			}
		})
	}
}

func TestATestThatSaysNothingGetsWhatTheFlagsAllow(t *testing.T) {
	got := all.Quota(v1alpha1.SandboxQuota{Memory: "1Gi"})
	if want := (v1alpha1.SandboxQuota{CPU: "4", Memory: "1Gi", Storage: "50Gi"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (Bounds{}).Quota(v1alpha1.SandboxQuota{}); got != (v1alpha1.SandboxQuota{}) {
		t.Errorf("without flags: %+v", got)
	}
}

func TestARunEndsByTheFlag(t *testing.T) {
	for bound, want := range map[time.Duration]time.Duration{0: time.Hour, 30 * time.Minute: 30 * time.Minute, 2 * time.Hour: time.Hour} {
		if got := (Bounds{TTL: bound}).Life(time.Hour); got != want {
			t.Errorf("a run of an hour, bounded by %s: %s", bound, got)
		}
	}
}

package disaster

import (
	"strings"
	"testing"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// elsewhere is a test of what the location holds, by the newest backup, with these mappings.
func elsewhere(name string, mappings *v1alpha1.Mappings) *v1alpha1.RestoreTest {
	rt := cluster.RestoreTest(name, "latest", shop)
	rt.Spec.BackupSource.StorageLocation = location
	if mappings != nil {
		rt.Spec.Restore = &v1alpha1.RestoreScope{Mappings: mappings}
	}
	return rt
}

func mappings() *v1alpha1.Mappings {
	return &v1alpha1.Mappings{
		StorageClasses:  []v1alpha1.StorageClassMapping{{From: class, To: "local-path"}},
		ImageRegistries: []v1alpha1.ImageRegistryMapping{{From: registry, To: "docker.io/kymaros"}},
		NodeSelectors:   []v1alpha1.NodeSelectorMapping{{From: v1alpha1.NodeLabel{Key: "pool", Value: pool}}},
	}
}

func checks() []v1alpha1.HealthCheck {
	return []v1alpha1.HealthCheck{stage.CountOrders(stage.Orders), {Name: "web-answers", Type: v1alpha1.CheckHTTPGet, HTTPGet: &v1alpha1.HTTPGetCheck{
		Service: "web", Port: 80, Path: "/", ExpectedStatus: 200, Retries: 3,
	}}}
}

// other fails t unless the report says that the backup is of another cluster.
func other(t *testing.T, report *v1alpha1.RestoreReport) {
	t.Helper()
	if s := report.Status.Segregation; s == nil || s.Cluster != v1alpha1.ClusterOther || s.Basis == "" {
		t.Errorf("segregation %+v", s)
	}
}

func TestWhatTheSecondClusterLacksIsNamed(t *testing.T) {
	_, report := cluster.AwaitEnd(t, cluster.Start(t, elsewhere("lacks", nil), checks()...))
	stage.Verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonClusterLacks)
	for _, words := range []string{class, "data-db-0"} {
		if !strings.Contains(report.Status.Message, words) {
			t.Errorf("the report does not say %q: %s", words, report.Status.Message)
		}
	}
	other(t, report)
}

func TestAnImageThatTheSecondClusterLacksIsNamed(t *testing.T) {
	here := mappings()
	here.ImageRegistries = nil
	rt := elsewhere("imageless", here)
	rt.Spec.HealthChecks.PodReadyTimeout = "1m"
	_, report := cluster.AwaitEnd(t, cluster.Start(t, rt, checks()...))
	stage.Verdict(t, report, v1alpha1.ResultInconclusive, v1alpha1.ReasonClusterLacks)
	if !strings.Contains(report.Status.Message, webImage) {
		t.Errorf("the report does not say %q: %s", webImage, report.Status.Message)
	}
	other(t, report)
}

func TestABackupOfAnotherClusterPassesWithMappings(t *testing.T) {
	_, report := cluster.AwaitEnd(t, cluster.Start(t, elsewhere("mapped", mappings()), checks()...))
	stage.Verdict(t, report, v1alpha1.ResultPass, "Passed")
	s := report.Status
	t.Logf("score %d, recovery %s, %+v", s.Score, s.RTO.Measured, s.RTO.Parts)
	if s.Score != 100 {
		t.Errorf("score %d: %+v", s.Score, s.ValidationLevels)
	}
	other(t, report)
	told := map[v1alpha1.MappingKind]int32{}
	for _, m := range s.Mappings {
		if m.Objects == nil || m.Note != "" {
			t.Errorf("mapping %+v", m)
			continue
		}
		told[m.Kind] += *m.Objects
	}
	if told[v1alpha1.MappingStorageClass] != 1 || told[v1alpha1.MappingNodeSelector] != 2 || told[v1alpha1.MappingImageRegistry] != 2 {
		t.Errorf("a claim and two pods were to be mapped, and their images: %v", told)
	}
	level := s.ValidationLevels.Completeness
	if level.Status != v1alpha1.LevelPass || !strings.Contains(strings.Join(level.Tested, "; "), "compared with the names that the backup holds") {
		t.Errorf("completeness %+v", level)
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Method != v1alpha1.VolumeFileSystemBackup {
		t.Errorf("volumes %+v", s.Volumes)
	}
}

// TestABucketThatRefusesWritesIsTold: Velero cannot put its log there, and counts that as an error of the restore.
func TestABucketThatRefusesWritesIsTold(t *testing.T) {
	if err := serve(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	_, report := cluster.AwaitEnd(t, cluster.Start(t, elsewhere("refused", mappings()), checks()...))
	s := report.Status
	if s.Result != v1alpha1.ResultPartial || !strings.Contains(s.Message+strings.Join(s.Caps, "\n"), "location "+location+" is ReadOnly") {
		t.Errorf("%s %d, %s: %s\n%s", s.Result, s.Score, s.Reason, s.Message, strings.Join(s.Caps, "\n"))
	}
	for _, c := range s.Checks {
		if c.Status != v1alpha1.CheckPass {
			t.Errorf("check %+v", c)
		}
	}
	other(t, report)
}

package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// Half of what --kube-api-qps gives if nobody says otherwise, and --kube-api-burst.
const qps, burst = 25, 100

// wide is a run of as many namespaces as a test may have.
func wide() *v1alpha1.RestoreTest {
	rt := test()
	rt.Status.Run.Spec.BackupSource.Namespaces, rt.Status.Sandbox.Namespaces = nil, nil
	for i := range 16 {
		source, box := fmt.Sprintf("src-%d", i), fmt.Sprintf("sbx-%d", i)
		rt.Status.Run.Spec.BackupSource.Namespaces = append(rt.Status.Run.Spec.BackupSource.Namespaces, v1alpha1.SourceNamespace{Name: source})
		rt.Status.Sandbox.Namespaces = append(rt.Status.Sandbox.Namespaces, v1alpha1.SandboxNamespace{Source: source, Name: box})
	}
	return rt
}

// emptyCluster answers every list with nothing.
type emptyCluster struct{ requests atomic.Int32 }

func (c *emptyCluster) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	version, last := "v1", path[len(path)-1]
	if path[0] == "apis" {
		version = path[1] + "/" + path[2]
	}
	answer := map[string]any{"apiVersion": version, "kind": listsOf[last], "metadata": map[string]any{"resourceVersion": "1"}, "items": []any{}}
	switch {
	case len(path) == 4 && path[2] == "namespaces":
		answer = map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": last, "labels": map[string]any{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRun: runID}}}
	case strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadata"):
		answer["apiVersion"], answer["kind"] = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	body, err := json.Marshal(answer)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, err
}

var listsOf = map[string]string{
	"pods": "PodList", "deployments": "DeploymentList", "statefulsets": "StatefulSetList", "replicasets": "ReplicaSetList", "controllerrevisions": "ControllerRevisionList",
	"services": "ServiceList", "configmaps": "ConfigMapList", "secrets": "SecretList", "serviceaccounts": "ServiceAccountList", "persistentvolumeclaims": "PersistentVolumeClaimList",
	"persistentvolumes": "PersistentVolumeList", "cronjobs": "CronJobList", "podvolumerestores": "PodVolumeRestoreList", "datadownloads": "DataDownloadList",
}

func TestLooksAtManyNamespacesAreAllDoneInTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := wide()
		f := newFixture(t, rt)
		defer f.lists.Close()
		cluster := &emptyCluster{}
		config := &rest.Config{Host: "http://cluster", Transport: cluster, QPS: qps, Burst: burst}
		f.looker.Kube, f.looker.Metadata, f.looker.Velero = kubernetes.NewForConfigOrDie(config), metadata.NewForConfigOrDie(metadata.ConfigFor(config)), versioned.NewForConfigOrDie(config)
		list := f.lists.Ask(t.Context(), rt, "nightly", backup(), func() {})
		<-list.Ready()
		var all sync.WaitGroup
		errs := make([]error, workers)
		for i := range errs {
			all.Go(func() { _, errs[i] = f.lookAt(t.Context(), rt, list) })
		}
		all.Wait()
		for i, err := range errs {
			if err != nil {
				t.Errorf("look %d of %d: %v", i+1, len(errs), err)
			}
		}
		if n := cluster.requests.Load(); n < burst*workers {
			t.Errorf("%d requests are too few to show anything", n)
		}
	})
}

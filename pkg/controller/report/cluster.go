package report

import (
	"context"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

// upgradesShow is after how long it shows in reports that the API server was upgraded.
const upgradesShow = time.Hour

// clusterFacts are asked for once, the version from time to time.
type clusterFacts struct {
	mu    sync.Mutex
	known v1alpha1.ClusterIdentity
	asked time.Time // for the version
}

// get returns what is known of the cluster. What cannot be read is left out, and asked for again by the next run.
func (f *clusterFacts) get(ctx context.Context, kube kubernetes.Interface) v1alpha1.ClusterIdentity {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known.UID == "" {
		system, err := kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
		if err != nil {
			klog.FromContext(ctx).Error(err, "Reports do not name the cluster")
		} else {
			f.known.UID = system.UID
		}
	}
	if now := time.Now(); f.known.Kubernetes == "" || now.Sub(f.asked) >= upgradesShow {
		server, err := kube.Discovery().ServerVersion()
		if err != nil {
			klog.FromContext(ctx).Error(err, "Reports do not name the version of Kubernetes")
		} else {
			f.known.Kubernetes, f.asked = server.GitVersion, now
		}
	}
	return f.known
}

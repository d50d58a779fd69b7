package chart

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned"
	"github.com/kymaros/kymaros/test/plane"
)

var onNode = flag.Bool("node", false, "use a cluster with a node and Velero, that of $KYMAROS_CLUSTER or else \"chart\", where nothing of Kymaros may be; root on Linux")

var kubeconfig = regexp.MustCompile(`(?m)^export KUBECONFIG="([^"]*)"`)

// node starts the cluster unless it runs, and returns it with the image of this tree, which is that of the older chart too.
func node(t *testing.T) *plane.Cluster {
	t.Helper()
	if os.Getenv("KYMAROS_CLUSTER") == "" {
		t.Setenv("KYMAROS_CLUSTER", "chart")
	}
	do := func(program string, args ...string) string {
		out, err := run(filepath.Join(root, program), args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const harness = "test/cluster/run.sh"
	do(harness, "up")
	tree := filepath.Join(t.TempDir(), "image")
	do("hack/image.sh", tree)
	for _, tag := range []string{"v0.1.0", older} {
		do(harness, "image", "ghcr.io/kymaros/kymaros:"+tag, tree, "--entrypoint", "/kymaros-controller", "--user", "65532")
	}
	found := kubeconfig.FindStringSubmatch(do(harness, "env"))
	if found == nil {
		t.Fatal("the cluster has no kubeconfig")
	}
	config, err := clientcmd.BuildConfigFromFlags("", found[1])
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.UserAgent = -1, "chart-test"
	c := &plane.Cluster{Admin: config, AdminFile: found[1]}
	var errs [3]error
	c.Kube, errs[0] = kubernetes.NewForConfig(config)
	c.Kymaros, errs[1] = versioned.NewForConfig(config)
	c.Objects, errs[2] = dynamic.NewForConfig(config)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kube.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Fatalf("something of Kymaros is in the cluster already, which this test would take away: %v", err)
	}
	return c
}

// isReady waits, on a node, until every pod of ours is ready, of the newest version of its workload.
func (s *scene) isReady(t *testing.T) {
	t.Helper()
	if !*onNode {
		return
	}
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=kymaros"}
	plane.Eventually(t, time.Second, 5*time.Minute, func(ctx context.Context) error {
		var waits []string
		deployments, err := s.Kube.AppsV1().Deployments("").List(ctx, ours)
		if err != nil {
			return err
		}
		for _, d := range deployments.Items {
			n := *d.Spec.Replicas
			if st := d.Status; st.ObservedGeneration != d.Generation || st.UpdatedReplicas != n || st.AvailableReplicas != n || st.Replicas != n {
				waits = append(waits, d.Name)
			}
		}
		daemons, err := s.Kube.AppsV1().DaemonSets("").List(ctx, ours)
		if err != nil {
			return err
		}
		for _, d := range daemons.Items {
			if st := d.Status; st.ObservedGeneration != d.Generation || st.DesiredNumberScheduled == 0 || st.UpdatedNumberScheduled != st.DesiredNumberScheduled || st.NumberReady != st.DesiredNumberScheduled {
				waits = append(waits, d.Name)
			}
		}
		if slices.Sort(waits); len(waits) > 0 || len(deployments.Items) < 6 || len(daemons.Items) != 3 {
			return fmt.Errorf("%d Deployments and %d DaemonSets, of which are not ready: %q", len(deployments.Items), len(daemons.Items), waits)
		}
		return nil
	})
}

// clear takes away from a node what an uninstallation leaves, for the next release.
func (s *scene) clear(t *testing.T) {
	t.Helper()
	if !*onNode {
		return
	}
	for _, name := range []string{"restoretests", "restorereports", "healthcheckpolicies"} {
		if err := s.Objects.Resource(plane.CRDResource).Delete(t.Context(), name+".restore.kymaros.io", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Kube.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	plane.Eventually(t, time.Second, 3*time.Minute, func(ctx context.Context) error {
		_, err := s.Kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("%s is still there: %w", namespace, err)
		}
		return nil
	})
}

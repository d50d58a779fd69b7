package sandbox

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// userRanges begins the annotations by which OpenShift tells which users, groups and SELinux levels the pods of a namespace have. A new
// namespace gets ranges of its own, in which neither a pod that names production's user is let in nor the files of its volumes are its own.
const userRanges = "openshift.io/sa.scc."

// ranges returns those of a source namespace; none where the cluster is no OpenShift, or the namespace is gone.
func (c *Controller) ranges(ctx context.Context, source string) (map[string]string, error) {
	if !c.openShift {
		return nil, nil
	}
	ns, err := c.kube.CoreV1().Namespaces().Get(ctx, source, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get source namespace %s: %w", source, err)
	}
	all := map[string]string{}
	for key, value := range ns.Annotations {
		if strings.HasPrefix(key, userRanges) {
			all[key] = value
		}
	}
	return all, nil
}

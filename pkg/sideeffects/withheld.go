package sideeffects

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// withheld is why objects are not restored: a word, and what they would do.
type withheld struct{ rule, reason string }

var (
	clusterScoped = withheld{"ClusterScoped", "belongs to the whole cluster, production included"}
	excluded      = withheld{"Excluded", "left out by spec.restore.excludedResources"}
	custom        = withheld{"CustomResource", "an operator would act on a second copy of it"}
	jobPod        = withheld{"JobPod", "pods of Jobs would do their work again"}
	daemonPod     = withheld{"DaemonSetPod", "pods of DaemonSets would run without the controller that owns them"}
	policy        = withheld{"NetworkPolicy", "network policies add up: one more opens the sandbox"}
	routing       = withheld{"Routing", "would take production's host names"}
	addresses     = withheld{"Endpoints", "holds addresses of production's pods"}
	monitoring    = withheld{"Monitoring", "would have the copy measured and page somebody"}
	other         = withheld{"NotListed", "not on the list of kinds that are restored"}
)

// byKind are kinds of Kubernetes itself, byGroup whole groups.
var (
	byKind = map[schema.GroupKind]withheld{
		{Kind: "Endpoints"}: addresses,
		{Group: "discovery.k8s.io", Kind: "EndpointSlice"}:      addresses,
		{Group: "batch", Kind: "Job"}:                           {"Job", "would do its work again"},
		{Group: "apps", Kind: "DaemonSet"}:                      {"DaemonSet", "would run on every node"},
		{Group: "networking.k8s.io", Kind: "Ingress"}:           routing,
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:     policy,
		{Kind: "ResourceQuota"}:                                 {"Guard", "the sandbox has guards of its own"},
		{Kind: "LimitRange"}:                                    {"Guard", "the sandbox has guards of its own"},
		{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: {"Autoscaler", "would change the number of pods"},
		{Group: "policy", Kind: "PodDisruptionBudget"}:          {"DisruptionBudget", "would hold up the removal of the sandbox"},
	}
	byGroup = map[string]withheld{
		"rbac.authorization.k8s.io":    {"RBAC", "would give rights to whoever the backup names"},
		"admissionregistration.k8s.io": {"Webhook", "would act on the whole cluster"},
		"gateway.networking.k8s.io":    routing,
		"networking.istio.io":          routing,
		"traefik.io":                   routing,
		"projectcontour.io":            routing,
		"route.openshift.io":           routing,
		"externaldns.k8s.io":           routing,
		"cilium.io":                    policy,
		"crd.projectcalico.org":        policy,
		"projectcalico.org":            policy,
		"crd.antrea.io":                policy,
		"policy.networking.k8s.io":     policy,
		"monitoring.coreos.com":        monitoring,
		"operator.victoriametrics.com": monitoring,
	}
)

// whyNot says why objects of the kind are not restored.
func whyNot(kind schema.GroupKind, namespaced bool) withheld {
	switch {
	case byKind[kind].rule != "":
		return byKind[kind]
	case byGroup[kind.Group].rule != "":
		return byGroup[kind.Group]
	case !namespaced:
		return clusterScoped
	case strings.Contains(kind.Group, ".") && !strings.HasSuffix(kind.Group, ".k8s.io"):
		return custom
	}
	return other
}

// podWithheld says why a pod is not restored although pods are, if so.
func podWithheld(pod *corev1.Pod) (withheld, bool) {
	owner := metav1.GetControllerOf(pod)
	switch {
	case owner == nil:
	case owner.Kind == "Job":
		return jobPod, true
	case owner.Kind == "DaemonSet":
		return daemonPod, true
	}
	return withheld{}, false
}

// Package sideeffects tells what a backup holds that would act beside production: which of it was not restored, which was
// restored without what acts, and whether that took effect. It is pure: no client, no clock. Its Observer is one of a look.
package sideeffects

import (
	"slices"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/names"
)

// Rule is a change that the resource modifiers make. Velero restores an object unchanged when a modifier fails, so each of
// them is looked for again in the sandbox, by the same test that finds the object in production.
type Rule string

// Rules. manifests/20-modifiers.yaml has the patches.
const (
	Finalizers     Rule = "Finalizers"
	GitOps         Rule = "GitOps"
	ExternalDNS    Rule = "ExternalDNS"
	Monitoring     Rule = "Monitoring"
	Replication    Rule = "Replication"
	LoadBalancer   Rule = "LoadBalancer"
	NodePort       Rule = "NodePort"
	ExternalIP     Rule = "ExternalIP"
	ServiceOrders  Rule = "ServiceOrders"
	Schedule       Rule = "Schedule"
	CloudIdentity  Rule = "CloudIdentity"
	RestoreHook    Rule = "RestoreHook"
	PriorityClass  Rule = "PriorityClass"
	PodNetwork     Rule = "PodNetwork"
	AntiAffinity   Rule = "AntiAffinity"
	TopologySpread Rule = "TopologySpread"
	LongGrace      Rule = "LongGrace"
	ReservedVolume Rule = "ReservedVolume"
	VolumeSource   Rule = "VolumeSource"
	Collected      Rule = "Collected"
)

// reasons say what would happen without the rule.
var reasons = map[Rule]string{
	Finalizers:     "finalizers removed: they would hold the sandbox, or have their controller delete the real thing",
	GitOps:         "marks of deployment tools removed: they would take the copy for production's",
	ExternalDNS:    "DNS annotations removed: production's names would point here",
	Monitoring:     "scrape annotations removed: the copy would be measured and page somebody",
	Replication:    "replication annotations removed: old content would be pushed into other namespaces",
	LoadBalancer:   "made a ClusterIP Service: it would get an address outside",
	NodePort:       "node ports removed: it would be reachable from outside",
	ExternalIP:     "external addresses removed: production's traffic would come here",
	ServiceOrders:  "annotations of the Service removed: a controller outside would act on them",
	Schedule:       "suspended: it would run beside production's",
	CloudIdentity:  "cloud identity removed: the copy would act as production",
	RestoreHook:    "restore hooks not run: they are meant for a real restore",
	PriorityClass:  "put into class " + names.PriorityClass + ": it could push production off a node",
	PodNetwork:     "network annotations removed: the copy would join a network of production, or take an address there",
	AntiAffinity:   "anti-affinity removed: the copy would keep pods of production off its node",
	TopologySpread: "spread constraints removed: where production's pods stand says nothing about where copies fit",
	LongGrace:      "grace period shortened to ten seconds: whoever wants its place would wait",
	ReservedVolume: "given the default storage class, or none that is served: it would take a volume that was made by hand",
	VolumeSource:   "annotations of the claim removed: its volume could be made of one of production",
	Collected:      "labels removed: sidecars that collect it over all namespaces would load the copy",
}

// maxGrace is how many seconds a restored pod has from the order to end until it is killed.
const maxGrace = 10

// harmless finalizers are the cluster's own and go by themselves.
var harmless = sets.New("kubernetes.io/pvc-protection", metav1.FinalizerDeleteDependents, metav1.FinalizerOrphanDependents)

// marks are the keys of labels and annotations of each rule; one that ends with / stands for all that begin with it.
var marks = map[Rule][]string{
	GitOps: {
		"argocd.argoproj.io/instance", "kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace", "helm.toolkit.fluxcd.io/name",
		"helm.toolkit.fluxcd.io/namespace", "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/hook", "helm.sh/hook",
	},
	ExternalDNS: {
		"external-dns.alpha.kubernetes.io/hostname", "external-dns.alpha.kubernetes.io/internal-hostname", "external-dns.alpha.kubernetes.io/target",
	},
	Monitoring: {"prometheus.io/scrape", "prometheus.io/probe"},
	Replication: {
		"replicator.v1.mittwald.de/replicate-to", "replicator.v1.mittwald.de/replicate-to-matching", "replicator.v1.mittwald.de/replicate-from",
		"reflector.v1.k8s.emberstack.com/reflection-allowed", "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
		"reflector.v1.k8s.emberstack.com/reflects", "kubed.appscode.com/sync",
	},
}

// orders are annotations of Services that controllers outside of the sandbox act on. Every annotation is removed; these are
// the ones that must not be there. Some clusters add others to every new Service.
var orders = []string{
	"service.beta.kubernetes.io/", "service.kubernetes.io/", "metallb.io/", "metallb.universe.tf/", "consul.hashicorp.com/", "networking.gke.io/",
	"kube-vip.io/", "load-balancer.hetzner.cloud/", "lbipam.cilium.io/", "io.cilium/", "mcs.cilium.io/", "service.cilium.io/",
	"tailscale.com/", "getambassador.io/", "kubernetes.digitalocean.com/", "service.openstack.org/", "loadbalancer.openstack.org/",
}

var identities = []string{
	"eks.amazonaws.com/", "iam.gke.io/", "azure.workload.identity/", "pod-identity.alibabacloud.com/",
}

var hooks = []string{"post.hook.restore.velero.io/", "init.hook.restore.velero.io/"}

// volumeSources are annotations of claims by which Trident, KubeVirt's importer and Portworx make a volume of one that there is.
// Every annotation is removed; the policy kymaros-claims refuses these, whoever makes the claim.
var volumeSources = []string{
	"trident.netapp.io/", "cdi.kubevirt.io/", "k8s.io/CloneRequest", "k8s.io/CloneOf", "px/snapshot-source-pvc", "snapshot.alpha.kubernetes.io/",
}

// collected are labels of ConfigMaps and Secrets that the sidecars of Grafana and Loki look for. Every label is removed.
var collected = []string{"grafana_dashboard", "grafana_alert", "grafana_datasource", "grafana_notifier", "grafana_plugin", "loki_rule"}

// networks are annotations of pods by which network plugins give them networks and addresses. The policy kymaros-pods refuses
// pods that have them in a sandbox, whoever makes them.
var networks = []string{
	"k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network",
	"cni.projectcalico.org/floatingIPs", "cni.projectcalico.org/hwAddr", "cni.projectcalico.org/ipAddrs", "cni.projectcalico.org/ipAddrsNoIpam",
	"k8s.ovn.org/pod-networks",
	"ovn.kubernetes.io/ip_address", "ovn.kubernetes.io/ip_pool", "ovn.kubernetes.io/logical_switch", "ovn.kubernetes.io/mac_address",
	"networking.gke.io/interfaces", "networking.gke.io/default-interface", "k8s.amazonaws.com/eniConfig", "vpc.amazonaws.com/pod-eni",
	"ipam.spidernet.io/ippool", "ipam.spidernet.io/ippools", "ipam.spidernet.io/subnet", "ipam.spidernet.io/subnets", "ipam.spidernet.io/routes",
	"ipam.antrea.io/ippools", "ipam.antrea.io/pod-ips", "ipam.cilium.io/ip-pool", "ovn.kubernetes.io/eip", "ovn.kubernetes.io/snat",
	"yangtse.io/eip-id", "yangtse.io/pod-with-eip", "eks.tke.cloud.tencent.com/eip-attributes", "eks.tke.cloud.tencent.com/eip-id-list", "k8s.aliyun.com/pod-with-eip",
}

// tracked are the kinds that carry Argo CD's label of old; on others selectors may need it.
var tracked = sets.New(
	schema.GroupKind{Kind: "Service"}, schema.GroupKind{Kind: "ConfigMap"}, schema.GroupKind{Kind: "Secret"}, schema.GroupKind{Kind: "ServiceAccount"},
	schema.GroupKind{Kind: "PersistentVolumeClaim"}, schema.GroupKind{Group: "apps", Kind: "Deployment"}, schema.GroupKind{Group: "apps", Kind: "StatefulSet"},
	schema.GroupKind{Group: "batch", Kind: "CronJob"},
)

// RulesOf returns the rules that an object calls for, sorted. Of Services, CronJobs, pods and claims it wants the whole
// object, of other kinds the metadata will do.
func RulesOf(kind schema.GroupKind, o metav1.Object) []Rule {
	var all []Rule
	add := func(rule Rule, applies bool) {
		if applies {
			all = append(all, rule)
		}
	}
	add(Finalizers, slices.ContainsFunc(o.GetFinalizers(), func(f string) bool { return !harmless.Has(f) }))
	for rule, keys := range marks {
		add(rule, has(o.GetLabels(), keys) || has(o.GetAnnotations(), keys) ||
			rule == GitOps && tracked.Has(kind) && has(o.GetLabels(), []string{"app.kubernetes.io/instance"}))
	}
	switch o := o.(type) {
	case *corev1.Service:
		add(LoadBalancer, o.Spec.Type == corev1.ServiceTypeLoadBalancer)
		add(NodePort, o.Spec.Type == corev1.ServiceTypeNodePort || slices.ContainsFunc(o.Spec.Ports, func(p corev1.ServicePort) bool { return p.NodePort != 0 }))
		add(ExternalIP, len(o.Spec.ExternalIPs) > 0)
		add(ServiceOrders, has(o.Annotations, orders))
	case *batchv1.CronJob:
		add(Schedule, o.Spec.Suspend == nil || !*o.Spec.Suspend)
	case *corev1.Pod:
		add(RestoreHook, has(o.Annotations, hooks))
		add(CloudIdentity, has(o.Annotations, []string{"iam.amazonaws.com/role"}))
		add(PodNetwork, has(o.Annotations, networks))
		add(AntiAffinity, o.Spec.Affinity != nil && o.Spec.Affinity.PodAntiAffinity != nil &&
			len(o.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution) > 0)
		add(TopologySpread, slices.ContainsFunc(o.Spec.TopologySpreadConstraints, func(c corev1.TopologySpreadConstraint) bool {
			return c.WhenUnsatisfiable == corev1.DoNotSchedule
		}))
		add(LongGrace, o.Spec.TerminationGracePeriodSeconds != nil && *o.Spec.TerminationGracePeriodSeconds > maxGrace)
		add(PriorityClass, o.Spec.PriorityClassName != "" && o.Spec.PriorityClassName != names.PriorityClass)
	case *corev1.PersistentVolumeClaim:
		add(ReservedVolume, o.Spec.StorageClassName != nil && *o.Spec.StorageClassName == "")
		add(VolumeSource, has(o.Annotations, volumeSources))
	}
	add(Collected, (kind == schema.GroupKind{Kind: "ConfigMap"} || kind == schema.GroupKind{Kind: "Secret"}) && has(o.GetLabels(), collected))
	add(CloudIdentity, kind == schema.GroupKind{Kind: "ServiceAccount"} && has(o.GetAnnotations(), identities))
	slices.Sort(all)
	return all
}

func has(of map[string]string, keys []string) bool {
	for key := range of {
		for _, k := range keys {
			if key == k || strings.HasSuffix(k, "/") && strings.HasPrefix(key, k) {
				return true
			}
		}
	}
	return false
}

// Back tells whether o was restored by the Restore of that name. What controllers make in a sandbox later was not.
func Back(o metav1.Object, restore string) bool {
	return o.GetLabels()[velerov1.RestoreNameLabel] == restore
}

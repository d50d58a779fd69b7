package sideeffects

import (
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/google/go-cmp/cmp"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var (
	service   = schema.GroupKind{Kind: "Service"}
	pod       = schema.GroupKind{Kind: "Pod"}
	secret    = schema.GroupKind{Kind: "Secret"}
	account   = schema.GroupKind{Kind: "ServiceAccount"}
	claim     = schema.GroupKind{Kind: "PersistentVolumeClaim"}
	cronJob   = schema.GroupKind{Group: "batch", Kind: "CronJob"}
	ingress   = schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}
	gadget    = schema.GroupKind{Group: "example.com", Kind: "Gadget"}
	namespace = schema.GroupKind{Kind: "Namespace"}
)

func annotated(keys ...string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{Name: "o", Annotations: map[string]string{}}
	for _, key := range keys {
		m.Annotations[key] = "x"
	}
	return m
}

func metadata(m metav1.ObjectMeta) metav1.Object { return &metav1.PartialObjectMetadata{ObjectMeta: m} }

func TestRulesOf(t *testing.T) {
	yes, empty := true, ""
	for name, tt := range map[string]struct {
		kind schema.GroupKind
		o    metav1.Object
		want []Rule
	}{
		"a plain object calls for nothing":             {secret, metadata(annotated("team")), nil},
		"a foreign finalizer":                          {secret, metadata(metav1.ObjectMeta{Finalizers: []string{"example.com/hold"}}), []Rule{Finalizers}},
		"the cluster's own finalizer is none":          {claim, metadata(metav1.ObjectMeta{Finalizers: []string{"kubernetes.io/pvc-protection"}}), nil},
		"Argo CD's annotation":                         {secret, metadata(annotated("argocd.argoproj.io/tracking-id")), []Rule{GitOps}},
		"Flux' label":                                  {secret, metadata(metav1.ObjectMeta{Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "x"}}), []Rule{GitOps}},
		"Argo CD's old label on a Secret":              {secret, metadata(metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/instance": "x"}}), []Rule{GitOps}},
		"the same label on a pod, which selects by it": {pod, metadata(metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/instance": "x"}}), nil},
		"a name in DNS":                                {service, &corev1.Service{ObjectMeta: annotated("external-dns.alpha.kubernetes.io/hostname")}, []Rule{ExternalDNS}},
		"a scrape annotation":                          {pod, &corev1.Pod{ObjectMeta: annotated("prometheus.io/scrape")}, []Rule{Monitoring}},
		"a replicated Secret":                          {secret, metadata(annotated("replicator.v1.mittwald.de/replicate-to")), []Rule{Replication}},
		"a LoadBalancer": {service, &corev1.Service{Spec: corev1.ServiceSpec{Type: "LoadBalancer", Ports: []corev1.ServicePort{{NodePort: 30000}}}},
			[]Rule{LoadBalancer, NodePort}},
		"a NodePort":                         {service, &corev1.Service{Spec: corev1.ServiceSpec{Type: "NodePort"}}, []Rule{NodePort}},
		"a node port at the third place":     {service, &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{}, {}, {NodePort: 1}}}}, []Rule{NodePort}},
		"an external address":                {service, &corev1.Service{Spec: corev1.ServiceSpec{ExternalIPs: []string{"192.0.2.1"}}}, []Rule{ExternalIP}},
		"an order to a load balancer":        {service, &corev1.Service{ObjectMeta: annotated("service.beta.kubernetes.io/aws-load-balancer-type")}, []Rule{ServiceOrders}},
		"what a cluster adds to any Service": {service, &corev1.Service{ObjectMeta: annotated("cloud.google.com/neg")}, nil},
		"a CronJob that runs":                {cronJob, &batchv1.CronJob{}, []Rule{Schedule}},
		"a CronJob that is suspended":        {cronJob, &batchv1.CronJob{Spec: batchv1.CronJobSpec{Suspend: &yes}}, nil},
		"an identity in the cloud":           {account, metadata(annotated("eks.amazonaws.com/role-arn")), []Rule{CloudIdentity}},
		"a pod's identity in the cloud":      {pod, &corev1.Pod{ObjectMeta: annotated("iam.amazonaws.com/role")}, []Rule{CloudIdentity}},
		"a hook":                             {pod, &corev1.Pod{ObjectMeta: annotated("post.hook.restore.velero.io/command")}, []Rule{RestoreHook}},
		"a second network":                   {pod, &corev1.Pod{ObjectMeta: annotated("k8s.v1.cni.cncf.io/networks")}, []Rule{PodNetwork}},
		"a class of production":              {pod, &corev1.Pod{Spec: corev1.PodSpec{PriorityClassName: "system-cluster-critical"}}, []Rule{PriorityClass}},
		"a pod that will not stand beside others": {pod, &corev1.Pod{Spec: corev1.PodSpec{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "kubernetes.io/hostname"}}}}}}, []Rule{AntiAffinity}},
		"a pod that would rather not": {pod, &corev1.Pod{Spec: corev1.PodSpec{Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{Weight: 1}}}}}}, nil},
		"a pod that Velero left without anti-affinity": {pod, &corev1.Pod{Spec: corev1.PodSpec{Affinity: &corev1.Affinity{}}}, nil},
		"a pod that is spread": {pod, &corev1.Pod{Spec: corev1.PodSpec{TopologySpreadConstraints: []corev1.TopologySpreadConstraint{
			{WhenUnsatisfiable: "ScheduleAnyway"}, {WhenUnsatisfiable: "DoNotSchedule"}}}}, []Rule{TopologySpread}},
		"a pod that takes half an hour to end": {pod, &corev1.Pod{Spec: corev1.PodSpec{TerminationGracePeriodSeconds: new(int64(1800))}}, []Rule{LongGrace}},
		"a pod that ends within ten seconds":   {pod, &corev1.Pod{Spec: corev1.PodSpec{TerminationGracePeriodSeconds: new(int64(10))}}, nil},
		"our class":                            {pod, &corev1.Pod{Spec: corev1.PodSpec{PriorityClassName: "kymaros-sandbox"}}, nil},
		"a claim for a volume made by hand":    {claim, &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &empty}}, []Rule{ReservedVolume}},
		"a claim for the default class":        {claim, &corev1.PersistentVolumeClaim{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, RulesOf(tt.kind, tt.o)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
	for rule := range reasons {
		if strings.TrimSpace(reasons[rule]) == "" {
			t.Errorf("rule %s has no reason", rule)
		}
	}
}

func loadBalancer(name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Type: "LoadBalancer", Selector: map[string]string{"a": "b"}}}
}

func clusterIP(name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Type: "ClusterIP", Selector: map[string]string{"a": "b"}}}
}

func TestWhatWasNeutralisedIsWhatCameBackWithoutIt(t *testing.T) {
	var l Ledger
	for _, name := range []string{"good", "late", "bad"} {
		l.Production("shop", service, loadBalancer(name))
	}
	l.Sandbox("shop", service, clusterIP("good"))
	l.Sandbox("shop", service, loadBalancer("bad"))
	l.Sandbox("other", service, clusterIP("late"))
	if diff := cmp.Diff([]string{"shop: Service/bad: LoadBalancer"}, l.Violations()); diff != "" {
		t.Errorf("violations:\n%s", diff)
	}
	r := l.Report(nil, "", nil)
	want := []v1alpha1.SideEffect{{Rule: "LoadBalancer", Kind: "Service", Count: 1, Names: []string{"shop/good"}, Reason: reasons[LoadBalancer]}}
	if diff := cmp.Diff(want, r.Neutralised); diff != "" {
		t.Errorf("neutralised (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop: Service/bad: LoadBalancer"}, r.Violations); diff != "" {
		t.Errorf("violations of the report:\n%s", diff)
	}
}

func TestARestoredPodIsInOurClass(t *testing.T) {
	var l Ledger
	l.Sandbox("shop", pod, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "none"}})
	l.Sandbox("shop", pod, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Spec: corev1.PodSpec{PriorityClassName: "high"}})
	l.Sandbox("shop", pod, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "ours"}, Spec: corev1.PodSpec{PriorityClassName: "kymaros-sandbox"}})
	if diff := cmp.Diff([]string{"shop: Pod/high: PriorityClass", "shop: Pod/none: PriorityClass"}, l.Violations()); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestWithheld(t *testing.T) {
	yes := true
	owned := func(name, kind string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{Kind: kind, Controller: &yes}}}}
	}
	var l Ledger
	l.Production("shop", pod, owned("job-1", "Job"))
	l.Production("shop", pod, owned("job-too-late", "Job"))
	l.Production("shop", pod, owned("agent", "DaemonSet"))
	l.Production("shop", pod, owned("web", "ReplicaSet"))
	inventory := Inventory{
		pod: {"shop/job-1", "shop/agent", "shop/web"}, secret: {"shop/password"}, ingress: {"shop/front"}, gadget: {"shop/g"},
		{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}: {"shop/view"}, {Kind: "PersistentVolume"}: {"pv-1"},
		{Group: "zoo.io", Kind: "Bear"}: {"shop/bruno"}, {Group: "autoscaling.k8s.io", Kind: "Thing"}: {"shop/t"}, namespace: {"shop"}, {Kind: "Event"}: {"shop/e"},
	}
	r := l.Report(inventory, "", &v1alpha1.RestoreScope{
		IncludedResources: []v1alpha1.ResourceName{"bears.zoo.io"}, ExcludedResources: []v1alpha1.ResourceName{"secrets"},
	})
	got := map[string]string{}
	for _, w := range r.Withheld {
		got[w.Rule+" "+w.Kind] = fmt.Sprint(w.Count, w.Names)
		if w.Reason == "" {
			t.Errorf("%s has no reason", w.Rule)
		}
	}
	want := map[string]string{
		"JobPod Pod": "1 [shop/job-1]", "DaemonSetPod Pod": "1 [shop/agent]", "Excluded Secret": "1 [shop/password]", "Routing Ingress.networking.k8s.io": "1 [shop/front]",
		"CustomResource Gadget.example.com": "1 [shop/g]", "RBAC RoleBinding.rbac.authorization.k8s.io": "1 [shop/view]", "ClusterScoped PersistentVolume": "1 [pv-1]",
		"NotListed Thing.autoscaling.k8s.io": "1 [shop/t]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("withheld (-want +got):\n%s", diff)
	}
	if len(r.NotTested) != 2 || !strings.Contains(r.NotTested[0], "kinds that the test adds") || !strings.Contains(r.NotTested[1], "Gadget.example.com, Ingress.networking.k8s.io") {
		t.Errorf("not tested: %q", r.NotTested)
	}
}

func TestWhatARunShowsNothingAbout(t *testing.T) {
	var l Ledger
	l.Sandbox("shop", service, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "legacy"}})
	l.Sandbox("shop", service, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "outside"}, Spec: corev1.ServiceSpec{Type: "ExternalName"}})
	yes := true
	l.Sandbox("shop", cronJob, &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "mails"}, Spec: batchv1.CronJobSpec{Suspend: &yes}})
	l.Production("shop", pod, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0", Annotations: map[string]string{"init.hook.restore.velero.io/command": "rm"}}})
	l.Unread("pods in namespace shop: no")
	l.Gone("wiki")
	text := strings.Join(l.Report(nil, "Velero is gone", nil).NotTested, "\n")
	for _, want := range []string{"Velero is gone", "without a selector", "shop/legacy", "CronJobs", "shop/mails", "init hooks", "shop/db-0", "do not exist any more: wiki", "pods in namespace shop: no"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not named:\n%s", want, text)
		}
	}
	for _, not := range []string{"shop/outside"} {
		if strings.Contains(text, not) {
			t.Errorf("%q is named:\n%s", not, text)
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	var l Ledger
	inventory := Inventory{}
	for i := range 200 {
		l.Sandbox("shop", service, loadBalancer(fmt.Sprintf("s%03d", i)))
		inventory[schema.GroupKind{Group: "example.com", Kind: fmt.Sprintf("K%03d", i)}] = []string{"shop/x"}
		inventory[ingress] = append(inventory[ingress], fmt.Sprintf("shop/i%03d", i))
	}
	r := l.Report(inventory, "", nil)
	if len(r.Violations) != maxEntries || len(r.Withheld) != maxEntries || len(l.Violations()) != 200 {
		t.Errorf("%d violations of %d, %d withheld", len(r.Violations), len(l.Violations()), len(r.Withheld))
	}
	for _, w := range l.Report(Inventory{ingress: inventory[ingress]}, "", nil).Withheld {
		if w.Count != 200 || len(w.Names) != maxNames {
			t.Errorf("%d objects, %d named", w.Count, len(w.Names))
		}
	}
}

func TestAMomentThatWasSeenIsNotTested(t *testing.T) {
	for name, c := range map[string]struct {
		moment *v1alpha1.IsolationMoment
		says   string
	}{
		"nobody looked": {nil, ""},
		"none was seen": {&v1alpha1.IsolationMoment{State: v1alpha1.MomentNoneSeen}, ""},
		"not known":     {&v1alpha1.IsolationMoment{State: v1alpha1.MomentUnknown, Message: "knew no target"}, ""},
		"one was seen":  {&v1alpha1.IsolationMoment{State: v1alpha1.MomentSeen, Longest: "120ms"}, "up to 120ms"},
	} {
		var l Ledger
		l.Moment(c.moment)
		got := strings.Join(l.Report(nil, "", nil).NotTested, "; ")
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q in it", name, got, c.says)
		}
	}
}

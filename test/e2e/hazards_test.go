package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/test/e2e/stage"
)

// TestHazards restores an application in which nearly everything would do harm beside production.
func TestHazards(t *testing.T) {
	t.Parallel()
	h := deployHazards(t, stage.Crowd)
	before := quiet(t, h.Namespace)

	t.Run("everything is kept from acting, and named", func(t *testing.T) {
		for _, trouble := range tryHazards(t, h, "hazards") {
			t.Error(trouble)
		}
	})
	t.Run("an image that does not exist fails the run all the same", func(t *testing.T) {
		rt := cluster.RestoreTest("unsound", h.Unsound, h.Namespace)
		rt.Spec.HealthChecks.PodReadyTimeout = "5s"
		_, report := cluster.AwaitEnd(t, cluster.Start(t, rt, frontAnswers()))
		verdict(t, report, v1alpha1.ResultFail, v1alpha1.ReasonCheckFailed)
		if !strings.Contains(report.Status.Message, "pods are not ready") || !strings.Contains(report.Status.Message, "sandbox blocked") {
			t.Errorf("message: %s", report.Status.Message)
		}
	})
	t.Run("the fence alone keeps it from acting too", func(t *testing.T) { holdsAgainstVelero(t, h) })

	compare(t, before, quiet(t, h.Namespace))
	if _, err := cluster.Kube.CoreV1().ConfigMaps(h.Namespace).Get(t.Context(), stage.OperatorLog, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the operator acted on a copy: %v", err)
	}
	free, err := cluster.Kube.CoreV1().PersistentVolumes().Get(t.Context(), h.Free, metav1.GetOptions{})
	if err != nil || free.Status.Phase != corev1.VolumeAvailable || free.Spec.ClaimRef != nil {
		t.Errorf("the volume that waits for somebody was taken: %+v, %v", free.Status, err)
	}
}

// deployHazards deploys the application with so many ConfigMaps more, until t ends.
func deployHazards(t *testing.T, crowd int) stage.Hazards {
	t.Helper()
	h, err := cluster.DeployHazards(t.Context(), crowd)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		for _, err := range []error{
			cluster.Unhold(ctx, h.Namespace), cluster.DeleteNamespaces(ctx, h.Namespace), h.Stop(ctx),
			ignoreNotFound(cluster.DeleteBackup(ctx, h.Sound)), ignoreNotFound(cluster.DeleteBackup(ctx, h.Unsound)),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// quiet returns a snapshot of production without what the CronJob does in it every minute, and without the pod for whose
// image the kubelet goes on asking.
func quiet(t *testing.T, namespace string) map[string]string {
	t.Helper()
	all, err := cluster.Snapshot(t.Context(), namespace)
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return strings.Contains(name, "/mails") || strings.Contains(name, "/lost-") })
	return all
}

func frontAnswers() v1alpha1.HealthCheck {
	c := webAnswers()
	c.HTTPGet.Service = "front"
	return c
}

// archiveIsBack passes when the file on the volume that was made by hand came back.
func archiveIsBack() v1alpha1.HealthCheck {
	production := "production"
	return v1alpha1.HealthCheck{Name: "archive-is-back", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
		PodSelector: map[string]string{"app": "archive"}, Container: "archive", Command: []string{"cat", "/data/record"},
		Expect: &v1alpha1.Expectation{Equals: &production},
	}}
}

// tryHazards runs a test of the sound backup and returns what is not as it should be.
func tryHazards(t *testing.T, h stage.Hazards, name string) []string {
	t.Helper()
	rt := cluster.RestoreTest(name, h.Sound, h.Namespace)
	rt.Spec.Timeout = new(v1alpha1.Duration)
	*rt.Spec.Timeout = "5m" // so long Velero waits for a volume that never comes
	rt, held := cluster.AwaitHeldOrReported(t, cluster.Start(t, rt, frontAnswers(), archiveIsBack(), stage.Hold(h.Namespace)))
	if !held {
		// A volume that may be somebody else's is left.
		return append([]string{"the checks were not reached"}, inReport(h, cluster.Report(t, cluster.AwaitOver(t, rt)))...)
	}
	found := inSandbox(t, h, rt)
	if err := cluster.Unhold(t.Context(), stage.SandboxOf(t, rt, h.Namespace)); err != nil { // or the sandbox stays
		t.Fatal(err)
	}
	cluster.Release(t, rt, h.Namespace)
	_, report := cluster.AwaitEnd(t, rt)
	return append(found, inReport(h, report)...)
}

// mayLand are the kinds that come out of a backup, that controllers make of them, and that are guards.
var mayLand = []string{
	"pods", "replicasets.apps", "controllerrevisions.apps", "deployments.apps", "statefulsets.apps", "services", "configmaps", "secrets", "serviceaccounts",
	"persistentvolumeclaims", "cronjobs.batch", "endpoints", "endpointslices.discovery.k8s.io",
	"resourcequotas", "limitranges", "networkpolicies.networking.k8s.io",
}

// inSandbox returns what in the sandbox could act.
func inSandbox(t *testing.T, h stage.Hazards, rt *v1alpha1.RestoreTest) (found []string) {
	t.Helper()
	sandbox := stage.SandboxOf(t, rt, h.Namespace)
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	must := func(err error) {
		if err != nil {
			say("%v", err)
		}
	}
	ctx, core := t.Context(), cluster.Kube.CoreV1()

	all, err := cluster.Snapshot(ctx, sandbox)
	must(err)
	for object := range all {
		kind, name, _ := strings.Cut(object, " ")
		switch {
		case kind == "namespaces" || kind == "persistentvolumes" || slices.Contains(mayLand, kind) && kind != "networkpolicies.networking.k8s.io":
		case object == "networkpolicies.networking.k8s.io "+sandbox+"/kymaros-deny-all":
		case object == "rolebindings.rbac.authorization.k8s.io "+sandbox+"/kymaros-sandbox-prober", object == "rolebindings.rbac.authorization.k8s.io "+sandbox+"/kymaros-sandbox-restorer":
		default:
			say("%s landed: %s", kind, name)
		}
	}

	services, err := core.Services(sandbox).List(ctx, metav1.ListOptions{})
	must(err)
	for _, s := range services.Items {
		if s.Spec.Type != corev1.ServiceTypeClusterIP || len(s.Spec.ExternalIPs) > 0 || len(s.Annotations) > 0 || s.Spec.ExternalTrafficPolicy != "" {
			say("Service %s: type %s, external addresses %v, annotations %v", s.Name, s.Spec.Type, s.Spec.ExternalIPs, s.Annotations)
		}
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 {
				say("Service %s has node port %d", s.Name, p.NodePort)
			}
		}
		for _, label := range []string{"argocd.argoproj.io/instance", "app.kubernetes.io/instance"} {
			if s.Labels[label] != "" {
				say("Service %s has label %s", s.Name, label)
			}
		}
	}
	if len(services.Items) != 3 {
		say("%d Services came back, want 3", len(services.Items))
	}
	web, err := cluster.Kube.AppsV1().Deployments(sandbox).Get(ctx, "web", metav1.GetOptions{})
	must(err)
	if web.Labels["kustomize.toolkit.fluxcd.io/name"] != "" {
		say("Deployment web has the label of Flux")
	}

	production := map[string]bool{}
	pods, err := core.Pods(h.Namespace).List(ctx, metav1.ListOptions{})
	must(err)
	for _, p := range pods.Items {
		production[p.Status.PodIP] = p.Status.PodIP != "" && !p.Spec.HostNetwork
	}
	endpoints, err := cluster.Kube.DiscoveryV1().EndpointSlices(sandbox).List(ctx, metav1.ListOptions{})
	must(err)
	for _, slice := range endpoints.Items {
		for _, e := range slice.Endpoints {
			for _, address := range e.Addresses {
				if production[address] {
					say("EndpointSlice %s points at production", slice.Name)
				}
			}
		}
	}

	pods, err = core.Pods(sandbox).List(ctx, metav1.ListOptions{})
	must(err)
	for _, p := range pods.Items {
		switch app := p.Labels["app"]; {
		case p.Spec.PriorityClassName != "kymaros-sandbox" || p.Spec.Priority == nil || *p.Spec.Priority != -1000:
			say("pod %s has priority class %q", p.Name, p.Spec.PriorityClassName)
		case app != "web" && app != "archive" && app != "cache":
			say("pod %s runs", p.Name)
		}
		for key := range p.Annotations {
			if strings.HasPrefix(key, "prometheus.io/") || strings.HasPrefix(key, "post.hook.") || key == "k8s.v1.cni.cncf.io/networks" {
				say("pod %s has annotation %s", p.Name, key)
			}
		}
	}
	mails, err := cluster.Kube.BatchV1().CronJobs(sandbox).Get(ctx, "mails", metav1.GetOptions{})
	must(err)
	if mails.Spec.Suspend == nil || !*mails.Spec.Suspend {
		say("CronJob mails runs")
	}
	held, err := core.ConfigMaps(sandbox).Get(ctx, "held", metav1.GetOptions{})
	must(err)
	if len(held.Finalizers) > 0 || len(held.Annotations) > 0 {
		say("ConfigMap held: finalizers %v, annotations %v", held.Finalizers, held.Annotations)
	}
	account, err := core.ServiceAccounts(sandbox).Get(ctx, "shop", metav1.GetOptions{})
	must(err)
	if len(account.Annotations) > 0 {
		say("ServiceAccount shop: annotations %v", account.Annotations)
	}
	claim, err := core.PersistentVolumeClaims(sandbox).Get(ctx, "archive", metav1.GetOptions{})
	must(err)
	if v := claim.Spec.VolumeName; v == "" || v == h.Volume || v == h.Free {
		say("claim archive is bound to volume %q", v)
	}
	restore, err := cluster.Kymaros.VeleroV1().Restores(stage.VeleroNamespace).Get(ctx, rt.Status.Restore.Name, metav1.GetOptions{})
	must(err)
	if hooks := restore.Status.HookStatus; hooks != nil && hooks.HooksAttempted > 0 {
		say("%d hooks were run", hooks.HooksAttempted)
	}
	return append(found, guardsThatLet(t, sandbox)...)
}

// guardsThatLet returns what an administrator could create in a sandbox and must not be able to.
func guardsThatLet(t *testing.T, sandbox string) (let []string) {
	t.Helper()
	ctx, dry := t.Context(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	core := cluster.Kube.CoreV1()
	meta := metav1.ObjectMeta{Name: "not-here"}
	container := corev1.Container{Name: "c", Image: "docker.io/kymaros/busybox:1"}
	ports := []corev1.ServicePort{{Port: 80}}
	privileged := true
	pod := func(change func(*corev1.PodSpec)) func() error {
		spec := corev1.PodSpec{Containers: []corev1.Container{container}}
		change(&spec)
		return func() error {
			_, err := core.Pods(sandbox).Create(ctx, &corev1.Pod{ObjectMeta: meta, Spec: spec}, dry)
			return err
		}
	}
	service := func(kind corev1.ServiceType) func() error {
		return func() error {
			_, err := core.Services(sandbox).Create(ctx, &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Type: kind, Ports: ports}}, dry)
			return err
		}
	}
	for what, try := range map[string]func() error{
		"LoadBalancer": service(corev1.ServiceTypeLoadBalancer),
		"NodePort":     service(corev1.ServiceTypeNodePort),
		"Ingress": func() error {
			_, err := cluster.Kube.NetworkingV1().Ingresses(sandbox).Create(ctx, &networkingv1.Ingress{ObjectMeta: meta, Spec: networkingv1.IngressSpec{
				DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "front", Port: networkingv1.ServiceBackendPort{Number: 80}}},
			}}, dry)
			return err
		},
		"Job": func() error {
			_, err := cluster.Kube.BatchV1().Jobs(sandbox).Create(ctx, &batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
				Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{container}},
			}}}, dry)
			return err
		},
		"NetworkPolicy": func() error {
			_, err := cluster.Kube.NetworkingV1().NetworkPolicies(sandbox).Create(ctx, &networkingv1.NetworkPolicy{ObjectMeta: meta}, dry)
			return err
		},
		"pod in the network of the node": pod(func(s *corev1.PodSpec) { s.HostNetwork = true }),
		"pod with files of the node": pod(func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		}),
		"pod with a share of production": pod(func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{Server: "192.0.2.20", Path: "/"}}}}
		}),
		"privileged pod": pod(func(s *corev1.PodSpec) {
			s.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: &privileged}
		}),
		"pod that pushes others off the node": pod(func(s *corev1.PodSpec) { s.PriorityClassName = "system-cluster-critical" }),
	} {
		if err := try(); err == nil {
			let = append(let, "the sandbox takes a "+what)
		} else if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := pod(func(*corev1.PodSpec) {})(); err != nil {
		t.Errorf("the sandbox takes no pod at all: %v", err)
	}
	return let
}

// inReport returns what the report does not say and should.
func inReport(h stage.Hazards, report *v1alpha1.RestoreReport) (found []string) {
	s := report.Status
	say := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	// What the sandbox refused says nothing about the backup; that the data of a volume is missing does.
	if s.Result != v1alpha1.ResultPartial || s.Reason != "VolumeUnproven" {
		say("report: %s %d, %s: %s", s.Result, s.Score, s.Reason, s.Message)
	}
	for _, part := range []string{"host-network", "host-path", "share", "cache"} {
		if !strings.Contains(s.Message, part) {
			say("the message does not name %s: %s", part, s.Message)
		}
	}
	for _, c := range s.Checks {
		if c.Status != v1alpha1.CheckPass {
			say("check %+v", c)
		}
	}
	if s.SideEffects == nil {
		say("there is no ledger")
		return found
	}
	for _, v := range s.SideEffects.Violations {
		say("not neutralised: %s", v)
	}
	entries := func(list []v1alpha1.SideEffect) map[string]string {
		all := map[string]string{}
		for _, e := range list {
			all[e.Rule+" "+e.Kind] = strings.Join(e.Names, " ")
		}
		return all
	}
	withheld, neutralised := entries(s.SideEffects.Withheld), entries(s.SideEffects.Neutralised)
	for _, want := range []struct {
		list           map[string]string
		entry, objects string
	}{
		{withheld, "NetworkPolicy NetworkPolicy.networking.k8s.io", "allow-all"},
		{withheld, "Routing Ingress.networking.k8s.io", "front"},
		{withheld, "Endpoints Endpoints", "legacy"},
		{withheld, "Endpoints EndpointSlice.discovery.k8s.io", "legacy-"},
		{withheld, "Job Job.batch", "migrate"},
		{withheld, "JobPod Pod", "migrate-"},
		{withheld, "DaemonSet DaemonSet.apps", "node-agent"},
		{withheld, "DaemonSetPod Pod", "node-agent-"},
		{withheld, "RBAC RoleBinding.rbac.authorization.k8s.io", "shop-edits"},
		{withheld, "CustomResource Gadget.hazard.example.com", "valve"},
		{neutralised, "LoadBalancer Service", "front"},
		{neutralised, "NodePort Service", "admin"},
		{neutralised, "ExternalIP Service", "front"},
		{neutralised, "ExternalDNS Service", "front"},
		{neutralised, "ServiceOrders Service", "front"},
		{neutralised, "Monitoring Service", "front"},
		{neutralised, "Monitoring Pod", "web-"},
		{neutralised, "GitOps Service", "front"},
		{neutralised, "GitOps Deployment.apps", "web"},
		{neutralised, "Finalizers ConfigMap", "held"},
		{neutralised, "Replication ConfigMap", "held"},
		{neutralised, "Schedule CronJob.batch", "mails"},
		{neutralised, "CloudIdentity ServiceAccount", "shop"},
		{neutralised, "RestoreHook Pod", "web-"},
		{neutralised, "PriorityClass Pod", "web-"},
		{neutralised, "PodNetwork Pod", "web-"},
		{neutralised, "ReservedVolume PersistentVolumeClaim", "archive"},
	} {
		if !strings.Contains(want.list[want.entry], h.Namespace+"/"+want.objects) {
			say("the ledger does not name %s under %s: %q", want.objects, want.entry, want.list[want.entry])
		}
	}
	untested := strings.Join(s.SideEffects.NotTested, "\n")
	for _, part := range []string{"/legacy", "/mails", "Gadget.hazard.example.com"} {
		if !strings.Contains(untested, part) {
			say("%s is not named as untested: %s", part, untested)
		}
	}
	methods := map[string]v1alpha1.VolumeMethod{}
	for _, v := range s.Volumes {
		methods[v.Claim] = v.Method
	}
	if methods["archive"] != v1alpha1.VolumeFileSystemBackup || methods["cache"] != v1alpha1.VolumeLeftOut {
		say("volumes: %+v", s.Volumes)
	}
	if report.Hygiene == nil || report.Hygiene.Status != v1alpha1.HygieneClean {
		say("hygiene: %+v", report.Hygiene)
	}
	return found
}

package initiate

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/backups"
	"github.com/kymaros/kymaros/pkg/coverage"
)

// Application is what a namespace holds.
type Application struct {
	Namespace    string
	Deployments  []appsv1.Deployment
	StatefulSets []appsv1.StatefulSet
	DaemonSets   []appsv1.DaemonSet
	Services     []corev1.Service
	Claims       []coverage.Claim
	Schedules    []*velerov1.Schedule
}

// Check is a check with what to say about it.
type Check struct {
	v1alpha1.HealthCheck
	Comment string
}

// Plan is what to write for an application.
type Plan struct {
	Namespace string
	Test      v1alpha1.RestoreTestSpec
	Checks    []Check
	// Schedule says why the cron is what it is; Cannot names what a test cannot show, and why.
	Schedule string
	Cannot   []string
}

// workload is whatever makes pods.
type workload struct {
	kind, name string
	replicas   int32
	selector   map[string]string
	template   *corev1.PodTemplateSpec
}

// workloads of the application that a sandbox can run, by name.
func (a *Application) workloads() (all []workload) {
	replicas := func(n *int32) int32 {
		if n == nil {
			return 1
		}
		return *n
	}
	for i := range a.Deployments {
		d := &a.Deployments[i]
		all = append(all, workload{"Deployment", d.Name, replicas(d.Spec.Replicas), d.Spec.Selector.MatchLabels, &d.Spec.Template})
	}
	for i := range a.StatefulSets {
		s := &a.StatefulSets[i]
		all = append(all, workload{"StatefulSet", s.Name, replicas(s.Spec.Replicas), s.Spec.Selector.MatchLabels, &s.Spec.Template})
	}
	slices.SortFunc(all, func(a, b workload) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind)) })
	return all
}

// Make plans a test of the application.
func Make(a *Application) Plan {
	p := Plan{Namespace: a.Namespace}
	p.Test.BackupSource = v1alpha1.BackupSource{Provider: "velero", Namespaces: []v1alpha1.SourceNamespace{{Name: a.Namespace}}}
	p.Test.Schedule.Cron, p.Schedule = cronFor(a)
	p.Test.HealthChecks = v1alpha1.HealthChecks{PolicyRef: a.Namespace, PodReadyTimeout: "10m"}
	p.Test.Sandbox.NetworkIsolation = v1alpha1.IsolationStrict
	timeout := v1alpha1.Duration("1h")
	p.Test.Timeout = &timeout
	names := map[string]bool{}
	add := func(comment string, c v1alpha1.HealthCheck) {
		for n, base := 2, c.Name; names[c.Name]; n++ {
			c.Name = base + "-" + strconv.Itoa(n)
		}
		names[c.Name] = true
		p.Checks = append(p.Checks, Check{c, comment})
	}
	for _, w := range a.workloads() {
		if w.replicas == 0 {
			p.Cannot = append(p.Cannot, fmt.Sprintf("%s %s has no replicas: nothing of it runs in a restore", w.kind, w.name))
			continue
		}
		if len(w.selector) > 0 {
			add("", v1alpha1.HealthCheck{Name: w.name + "-pods", Type: v1alpha1.CheckPodStatus,
				PodStatus: &v1alpha1.PodStatusCheck{LabelSelector: w.selector, MinReady: w.replicas, Timeout: "10m"}})
		}
		a.answers(w, add)
		data(w, add)
	}
	for _, d := range a.DaemonSets {
		p.Cannot = append(p.Cannot, fmt.Sprintf("DaemonSet %s is not restored into a sandbox", d.Name))
	}
	if references := secrets(a); len(references) > 0 {
		add("What the pods name and cannot do without.", v1alpha1.HealthCheck{Name: "configuration", Type: v1alpha1.CheckResourceExists,
			ResourceExists: &v1alpha1.ResourceExistsCheck{Resources: references}})
	}
	for _, s := range a.Services {
		if s.Spec.Type == corev1.ServiceTypeExternalName {
			p.Cannot = append(p.Cannot, fmt.Sprintf("Service %s names %s, which a sandbox does not reach", s.Name, s.Spec.ExternalName))
		}
	}
	return p
}

// answers adds a check of the readiness probe through the Service, else of the port of the Service.
func (a *Application) answers(w workload, add func(string, v1alpha1.HealthCheck)) {
	for i := range a.Services {
		s := &a.Services[i]
		if len(s.Spec.Selector) == 0 || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(w.template.Labels)) {
			continue
		}
		for _, port := range s.Spec.Ports {
			if port.Protocol != "" && port.Protocol != corev1.ProtocolTCP {
				continue
			}
			c, probe := probed(w.template, port)
			name := s.Name + "-" + strconv.Itoa(int(port.Port))
			if probe == nil || c != nil && databaseOf(c) != nil {
				add("", v1alpha1.HealthCheck{Name: name + "-accepts", Type: v1alpha1.CheckTCPSocket,
					TCPSocket: &v1alpha1.TCPSocketCheck{Service: s.Name, Port: port.Port, Timeout: "5s", Retries: 5}})
				continue
			}
			scheme := strings.ToLower(cmp.Or(string(probe.Scheme), "http"))
			add("From the readiness probe of container "+c.Name+". A page that shows data of the application is better.",
				v1alpha1.HealthCheck{Name: name + "-answers", Type: v1alpha1.CheckHTTPGet,
					HTTPGet: &v1alpha1.HTTPGetCheck{Service: s.Name, Port: port.Port, Path: pathOf(probe), ExpectedStatus: 200, Scheme: scheme, Timeout: "10s", Retries: 5}})
		}
	}
}

func pathOf(probe *corev1.HTTPGetAction) string {
	if !strings.HasPrefix(probe.Path, "/") {
		return "/" + probe.Path
	}
	return probe.Path
}

// probed returns the container behind a port of a Service, and its readiness probe by HTTP if that asks the same port.
func probed(template *corev1.PodTemplateSpec, port corev1.ServicePort) (*corev1.Container, *corev1.HTTPGetAction) {
	target := port.TargetPort
	if target.IntValue() == 0 && target.StrVal == "" {
		target = intstr.FromInt32(port.Port)
	}
	for i := range template.Spec.Containers {
		c := &template.Spec.Containers[i]
		number := numberOf(c, target)
		if number == 0 {
			continue
		}
		if c.ReadinessProbe != nil && c.ReadinessProbe.HTTPGet != nil && numberOf(c, c.ReadinessProbe.HTTPGet.Port) == number {
			return c, c.ReadinessProbe.HTTPGet
		}
		if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == number }) {
			return c, nil
		}
	}
	return nil, nil
}

// numberOf returns the port of the container that is meant; 0 if it has none of that name.
func numberOf(c *corev1.Container, port intstr.IntOrString) int32 {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	for _, p := range c.Ports {
		if p.Name == port.StrVal {
			return p.ContainerPort
		}
	}
	return 0
}

// data adds a check for each database of the workload.
func data(w workload, add func(string, v1alpha1.HealthCheck)) {
	for i := range w.template.Spec.Containers {
		c := &w.template.Spec.Containers[i]
		db := databaseOf(c)
		if db == nil || len(w.selector) == 0 {
			continue
		}
		add(fmt.Sprintf("The check that matters: the data of %s is back. It counts what there is; FILL IN: %s.\nToday's number: kubectl -n NAMESPACE exec %s/%s -c %s -- %s",
			db.name, db.fill, strings.ToLower(w.kind), w.name, c.Name, quoted(db.command)),
			v1alpha1.HealthCheck{Name: w.name + "-data", Type: v1alpha1.CheckExec, Exec: &v1alpha1.ExecCheck{
				PodSelector: w.selector, Container: c.Name, Command: db.command, Timeout: "30s", Retries: 3,
				Expect: &v1alpha1.Expectation{Integer: &v1alpha1.IntegerExpectation{Operator: "ge", Value: 1}},
			}})
	}
}

// quoted returns a command as one writes it in a shell.
func quoted(command []string) string {
	var all []string
	for _, word := range command {
		if strings.ContainsAny(word, " \"'$`\\;&|<>(){}[]*?!#~") {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		all = append(all, word)
	}
	return strings.Join(all, " ")
}

// secrets returns what the pods name: Secrets, ConfigMaps and claims.
func secrets(a *Application) (all []v1alpha1.ResourceReference) {
	found := map[v1alpha1.ResourceReference]bool{}
	note := func(kind, name string, optional *bool) {
		if name != "" && (optional == nil || !*optional) {
			found[v1alpha1.ResourceReference{Kind: kind, Name: name}] = true
		}
	}
	for _, w := range a.workloads() {
		spec := &w.template.Spec
		for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
			for _, from := range c.EnvFrom {
				if from.SecretRef != nil {
					note("Secret", from.SecretRef.Name, from.SecretRef.Optional)
				}
				if from.ConfigMapRef != nil {
					note("ConfigMap", from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
				}
			}
			for _, env := range c.Env {
				if env.ValueFrom == nil {
					continue
				}
				if ref := env.ValueFrom.SecretKeyRef; ref != nil {
					note("Secret", ref.Name, ref.Optional)
				}
				if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
					note("ConfigMap", ref.Name, ref.Optional)
				}
			}
		}
		for _, v := range spec.Volumes {
			switch {
			case v.Secret != nil:
				note("Secret", v.Secret.SecretName, v.Secret.Optional)
			case v.ConfigMap != nil:
				note("ConfigMap", v.ConfigMap.Name, v.ConfigMap.Optional)
			case v.PersistentVolumeClaim != nil:
				note("PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName, nil)
			}
		}
	}
	for _, c := range a.Claims {
		if !c.Ephemeral {
			note("PersistentVolumeClaim", c.Name, nil)
		}
	}
	all = slices.Collect(maps.Keys(found))
	slices.SortFunc(all, func(a, b v1alpha1.ResourceReference) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return all[:min(len(all), 256)]
}

// cronFor returns when to test: an hour and some minutes, other ones for each namespace, after the backup of the covering schedule.
func cronFor(a *Application) (cron, why string) {
	sum := sha256.Sum256([]byte(a.Namespace))
	minute := int(sum[0]) % 60
	for _, s := range a.Schedules {
		if s.Spec.Paused || !backups.Selects(&velerov1.Backup{Spec: s.Spec.Template}, a.Namespace) {
			continue
		}
		fields := strings.Fields(s.Spec.Schedule)
		if len(fields) == 5 {
			if hour, err := strconv.Atoi(fields[1]); err == nil && hour >= 0 && hour < 24 && fields[2] == "*" && fields[3] == "*" && fields[4] == "*" {
				return fmt.Sprintf("%d %d * * *", minute, (hour+2)%24), fmt.Sprintf("after Velero's schedule %s (%s)", s.Name, s.Spec.Schedule)
			}
		}
		return fmt.Sprintf("%d 4 * * *", minute), fmt.Sprintf("every night; Velero's schedule %s is %q", s.Name, s.Spec.Schedule)
	}
	return fmt.Sprintf("%d 4 * * *", minute), "NO SCHEDULE OF VELERO TAKES THIS NAMESPACE: velero schedule create " + a.Namespace + " --schedule='0 2 * * *' --include-namespaces " + a.Namespace
}

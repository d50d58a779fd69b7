package clitest

import (
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/pkg/cli/exit"
)

// application is a web server in front of PostgreSQL, in namespace shop of the scene.
func application() []runtime.Object {
	named := func(kind, name string) (metav1.TypeMeta, metav1.ObjectMeta) {
		return typeMeta(kind), metav1.ObjectMeta{Namespace: "shop", Name: name}
	}
	pods := func(name string, container corev1.Container) (*metav1.LabelSelector, corev1.PodTemplateSpec) {
		labels := map[string]string{"app": name}
		container.Name = name
		return &metav1.LabelSelector{MatchLabels: labels}, corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{container}}}
	}
	var web appsv1.Deployment
	web.TypeMeta, web.ObjectMeta = named("Deployment", "web")
	web.Spec.Replicas = new(int32(2))
	web.Spec.Selector, web.Spec.Template = pods("web", corev1.Container{
		Image: "example.org/shop/web:1", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http")}}},
		EnvFrom:        []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "shop-db"}}}},
	})
	var db appsv1.StatefulSet
	db.TypeMeta, db.ObjectMeta = named("StatefulSet", "db")
	db.Spec.Selector, db.Spec.Template = pods("db", corev1.Container{Image: "postgres:17", Ports: []corev1.ContainerPort{{ContainerPort: 5432}}})
	all := []runtime.Object{&web, &db}
	for name, port := range map[string]corev1.ServicePort{"web": {Port: 80, TargetPort: intstr.FromString("http")}, "db": {Port: 5432}} {
		var s corev1.Service
		s.TypeMeta, s.ObjectMeta = named("Service", name)
		s.Spec.Selector, s.Spec.Ports = map[string]string{"app": name}, []corev1.ServicePort{port}
		all = append(all, &s)
	}
	return all
}

func TestATestIsWrittenAndChecked(t *testing.T) {
	server := Serve(t, append(scene(), application()...)...)
	for _, verb := range []struct {
		name string
		args []string
		code exit.Code
	}{
		{"init", []string{"init", "shop", "-n", "team-web"}, 0},
		{"validate", []string{"validate", "-f", "testdata/init.0.txt"}, 0},
		{"validate-wrong", []string{"validate", "-f", "testdata/wrong.yaml"}, 3},
		{"validate-github", []string{"validate", "-f", "testdata/wrong.yaml", "-o", "github"}, 3},
	} {
		for _, columns := range []int{0, 80, 200} {
			a := Run(t, server, now, columns, map[string]string{"TERM": "xterm"}, verb.args...)
			if a.Code != verb.code || a.Err != "" {
				t.Errorf("%s: exit code %d, want %d; %s", verb.name, a.Code, verb.code, a.Err)
			}
			golden(t, fmt.Sprintf("%s.%d", verb.name, columns), a.Out)
			if verb.name != "init" && verb.name != "validate-github" { // those are for machines
				fits(t, verb.name, columns, a.Out)
			}
		}
	}
}

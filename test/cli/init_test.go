package cli

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/test/plane"
)

// keeps makes a namespace with a StatefulSet of that image, its Service, and a web server with a readiness probe in front of it.
func keeps(t *testing.T, namespace, image string, port int32) {
	t.Helper()
	ctx := t.Context()
	create := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db, web := map[string]string{"app": "db"}, map[string]string{"app": "web"}
	pods := func(labels map[string]string, c corev1.Container) corev1.PodTemplateSpec {
		return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{c}}}
	}
	service := func(name string, labels map[string]string, port int32) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: port}}}}
	}
	create(cluster.Kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{}))
	create(cluster.Kube.CoreV1().Services(namespace).Create(ctx, service("db", db, port), metav1.CreateOptions{}))
	create(cluster.Kube.CoreV1().Services(namespace).Create(ctx, service("web", web, 8080), metav1.CreateOptions{}))
	create(cluster.Kube.AppsV1().StatefulSets(namespace).Create(ctx, &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "db"}, Spec: appsv1.StatefulSetSpec{
		ServiceName: "db", Selector: &metav1.LabelSelector{MatchLabels: db}, Template: pods(db, corev1.Container{Name: "main", Image: image, Ports: []corev1.ContainerPort{{ContainerPort: port}}}),
	}}, metav1.CreateOptions{}))
	create(cluster.Kube.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: web}, Template: pods(web, corev1.Container{
			Name: "web", Image: "web", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http")}}},
		}),
	}}, metav1.CreateOptions{}))
}

func TestInitOfEachDatabaseIsAcceptedByTheAPIServer(t *testing.T) {
	// Created for show only, which is judged as strictly as can be: the runs of so many tests would take long.
	strictly := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
	for name, c := range map[string]struct {
		image string
		port  int32
		asks  string
	}{
		"postgresql":    {"postgres:16", 5432, "psql"},
		"mysql":         {"mysql:8", 3306, "mysql -uroot"},
		"mariadb":       {"mariadb:11", 3306, "mariadb -uroot"},
		"mongodb":       {"mongo:7", 27017, "mongosh"},
		"redis":         {"redis:7", 6379, "redis-cli"},
		"elasticsearch": {"docker.elastic.co/elasticsearch/elasticsearch:8.17.0", 9200, "_cat/count"},
		"opensearch":    {"opensearchproject/opensearch:2", 9200, "_cat/count"},
		"kafka":         {"apache/kafka:3.8.0", 9092, "kafka-topics"},
		"rabbitmq":      {"rabbitmq:3", 5672, "rabbitmqctl"},
	} {
		t.Run(name, func(t *testing.T) {
			keeps(t, "keeps-"+name, c.image, c.port)
			a := kymaros(t, "init", "keeps-"+name, "-n", "default").wants(t, 0, "name: db-data", "name: web-8080-answers", c.asks, "FILL IN")
			all, err := plane.Parse([]byte(a.out))
			if err != nil || len(all) != 2 {
				t.Fatalf("%d objects: %v\n%s", len(all), err, a.out)
			}
			for _, o := range all {
				api, err := cluster.ResourceFor(o)
				if err != nil {
					t.Fatal(err)
				}
				kept, err := api.Create(t.Context(), o, strictly)
				if err != nil {
					t.Errorf("%v\n%s", err, a.out)
					continue
				}
				checks, _, _ := unstructured.NestedSlice(kept.Object, "spec", "checks")
				if o.GetKind() == "HealthCheckPolicy" && len(checks) < 5 {
					t.Errorf("%d checks\n%s", len(checks), a.out)
				}
			}
			if strings.Contains(a.out, "status:") {
				t.Errorf("%s", a.out)
			}
		})
	}
}

package initiate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/cli/validate"
	"github.com/kymaros/kymaros/pkg/coverage"
)

func template(labels map[string]string, containers ...corev1.Container) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: containers}}
}

// application returns a web server in front of a database with that image and port.
func application(image string, port int32) *Application {
	web, db := map[string]string{"app": "web"}, map[string]string{"app": "db"}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromString("http")}}}
	return &Application{
		Namespace: "shop",
		Deployments: []appsv1.Deployment{{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: appsv1.DeploymentSpec{Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: web}, Template: template(web, corev1.Container{
				Name: "web", Image: "registry:5000/shop/web:1", ReadinessProbe: probe, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "shop-db"}}}},
			})},
		}},
		StatefulSets: []appsv1.StatefulSet{{
			ObjectMeta: metav1.ObjectMeta{Name: "db"},
			Spec: appsv1.StatefulSetSpec{Selector: &metav1.LabelSelector{MatchLabels: db}, Template: template(db, corev1.Container{
				Name: "main", Image: image, Ports: []corev1.ContainerPort{{ContainerPort: port}},
			})},
		}},
		DaemonSets: []appsv1.DaemonSet{{ObjectMeta: metav1.ObjectMeta{Name: "logs"}}},
		Services: []corev1.Service{
			{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Selector: web, Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "db"}, Spec: corev1.ServiceSpec{Selector: db, Ports: []corev1.ServicePort{{Port: port}}}},
		},
		Claims:    []coverage.Claim{{Namespace: "shop", Name: "data-db-0"}},
		Schedules: []*velerov1.Schedule{{ObjectMeta: metav1.ObjectMeta{Name: "nightly"}, Spec: velerov1.ScheduleSpec{Schedule: "0 2 * * *"}}},
	}
}

func find(t *testing.T, p Plan, name string) Check {
	t.Helper()
	i := slices.IndexFunc(p.Checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no check %s among %+v", name, p.Checks)
	}
	return p.Checks[i]
}

func TestEachDatabaseIsKnownByItsImageOrPort(t *testing.T) {
	for _, c := range []struct {
		image string
		port  int32
		want  string
	}{
		{"postgres:16", 5432, "psql"}, {"ghcr.io/cloudnative-pg/postgresql:16@sha256:0", 5432, "psql"}, {"registry:5000/own:1", 5432, "psql"},
		{"mysql:8", 3306, "mysql -uroot"}, {"bitnami/mariadb:11", 3306, "mariadb -uroot"}, {"own", 3306, "mysql -uroot"},
		{"mongo:7", 27017, "mongosh"}, {"redis:7-alpine", 6379, "redis-cli DBSIZE"}, {"valkey/valkey:8", 6379, "redis-cli DBSIZE"},
		{"docker.elastic.co/elasticsearch/elasticsearch:8", 9200, "_cat/count"}, {"opensearchproject/opensearch:2", 9200, "https://localhost:9200"},
		{"apache/kafka:3.8", 9092, "kafka-topics"}, {"rabbitmq:3-management", 5672, "rabbitmqctl"},
	} {
		check := find(t, Make(application(c.image, c.port)), "db-data")
		if check.Exec == nil || !strings.Contains(strings.Join(check.Exec.Command, " "), c.want) || check.Exec.Expect.Integer == nil || !strings.Contains(check.Comment, "FILL IN") {
			t.Errorf("%s: %+v", c.image, check)
		}
	}
	for _, image := range []string{"prometheuscommunity/postgres-exporter", "bitnami/pgbouncer", "nginx"} {
		for _, check := range Make(application(image, 1234)).Checks {
			if check.Exec != nil {
				t.Errorf("%s is taken for a database: %+v", image, check)
			}
		}
	}
}

func TestChecksFitWhatRuns(t *testing.T) {
	p := Make(application("postgres:16", 5432))
	if c := find(t, p, "web-80-answers").HTTPGet; c.Path != "/healthz" || c.Port != 80 || c.Service != "web" || c.Scheme != "http" {
		t.Errorf("%+v", c)
	}
	if c := find(t, p, "web-pods").PodStatus; c.MinReady != 2 || c.LabelSelector["app"] != "web" {
		t.Errorf("%+v", c)
	}
	if c := find(t, p, "db-5432-accepts").TCPSocket; c.Port != 5432 {
		t.Errorf("%+v", c)
	}
	want := []v1alpha1.ResourceReference{{Kind: "PersistentVolumeClaim", Name: "data-db-0"}, {Kind: "Secret", Name: "shop-db"}}
	if got := find(t, p, "configuration").ResourceExists.Resources; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if len(p.Cannot) != 1 || !strings.Contains(p.Cannot[0], "DaemonSet logs") {
		t.Errorf("%v", p.Cannot)
	}
	if !strings.HasSuffix(p.Test.Schedule.Cron, " 4 * * *") || !strings.Contains(p.Schedule, "nightly") {
		t.Errorf("%q %q", p.Test.Schedule.Cron, p.Schedule)
	}
}

func TestWithoutAScheduleOfVeleroItSaysSo(t *testing.T) {
	a := application("postgres:16", 5432)
	a.Schedules[0].Spec.Template.ExcludedNamespaces = []string{"shop"}
	if p := Make(a); !strings.Contains(p.Schedule, "NO SCHEDULE OF VELERO") {
		t.Errorf("%q", p.Schedule)
	}
}

func TestWhatItWritesIsValid(t *testing.T) {
	for _, db := range []string{"postgres", "mysql", "mariadb", "mongo", "redis", "elasticsearch", "opensearch", "kafka", "rabbitmq"} {
		text, err := Make(application(db, 1234)).YAML("kymaros-system")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "test.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		findings, objects, err := validate.Files(t.Context(), []string{file}, nil, time.Now())
		if err != nil || objects != 2 || len(findings) > 0 {
			t.Errorf("%s: %d objects, %+v %v\n%s", db, objects, findings, err, text)
		}
		if strings.Index(text, "kind: HealthCheckPolicy") > strings.Index(text, "kind: RestoreTest") {
			t.Errorf("%s: the test would run before its policy is there:\n%s", db, text)
		}
		if strings.Contains(text, "creationTimestamp") || strings.Contains(text, "status:") || !strings.Contains(text, "# The check that matters") {
			t.Errorf("%s:\n%s", db, text)
		}
	}
}

func TestOddApplicationsGetChecksThatCanPass(t *testing.T) {
	names := func(p Plan) (all []string) {
		for _, c := range p.Checks {
			all = append(all, c.Name)
		}
		return all
	}
	for sentence, c := range map[string]struct {
		change     func(*Application)
		with, less string // a check that there must be, and one that there must not
		cannot     string
	}{
		"what has no replicas is not waited for": {func(a *Application) { a.Deployments[0].Spec.Replicas = new(int32(0)) }, "db-pods", "web-pods", "Deployment web has no replicas"},
		"no replicas given are one":              {func(a *Application) { a.Deployments[0].Spec.Replicas = nil }, "web-pods", "", ""},
		"two of one name have two checks": {func(a *Application) {
			web := a.StatefulSets[0].DeepCopy()
			web.Name = "web"
			a.StatefulSets = append(a.StatefulSets, *web)
		}, "web-pods-2", "", ""},
		"a port that is not TCP is not asked": {func(a *Application) { a.Services[1].Spec.Ports[0].Protocol = corev1.ProtocolUDP }, "db-data", "db-5432-accepts", ""},
		"a database is not asked by HTTP": {func(a *Application) {
			a.StatefulSets[0].Spec.Template.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(5432)}}}
		}, "db-5432-accepts", "db-5432-answers", ""},
		"a probe of another port is not that of the Service": {func(a *Application) {
			a.Deployments[0].Spec.Template.Spec.Containers[0].ReadinessProbe.HTTPGet.Port = intstr.FromInt32(9999)
		}, "web-80-accepts", "web-80-answers", ""},
		"a Service without pods is not asked": {func(a *Application) { a.Services[0].Spec.Selector = nil }, "web-pods", "web-80-answers", ""},
		"a name elsewhere is not reached": {func(a *Application) {
			a.Services[1].Spec.Type, a.Services[1].Spec.ExternalName = corev1.ServiceTypeExternalName, "db.example"
		}, "db-data", "", "Service db names db.example"},
	} {
		a := application("postgres:16", 5432)
		c.change(a)
		p := Make(a)
		if got := names(p); !slices.Contains(got, c.with) || c.less != "" && slices.Contains(got, c.less) {
			t.Errorf("%s: %v", sentence, got)
		}
		if c.cannot != "" && !strings.Contains(strings.Join(p.Cannot, "\n"), c.cannot) {
			t.Errorf("%s: %q", sentence, p.Cannot)
		}
	}
}

func TestOnlyWhatPodsCannotDoWithoutHasToBeThere(t *testing.T) {
	a := application("postgres:16", 5432)
	c := &a.Deployments[0].Spec.Template.Spec.Containers[0]
	ref := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	c.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: ref("settings")}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref("maybe"), Optional: new(true)}}}
	c.Env = []corev1.EnvVar{
		{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref("key")}}},
		{ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: ref("flag")}}}, {Name: "PLAIN", Value: "1"},
	}
	a.Deployments[0].Spec.Template.Spec.Volumes = []corev1.Volume{
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}},
		{VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref("pages")}}},
		{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "uploads"}}},
	}
	a.Claims = append(a.Claims, coverage.Claim{Namespace: "shop", Name: "of-a-pod", Ephemeral: true})
	var got []string
	for _, r := range find(t, Make(a), "configuration").ResourceExists.Resources {
		got = append(got, r.Kind+"/"+r.Name)
	}
	want := "ConfigMap/flag ConfigMap/pages ConfigMap/settings PersistentVolumeClaim/data-db-0 PersistentVolumeClaim/uploads Secret/key Secret/tls"
	if strings.Join(got, " ") != want {
		t.Errorf("%v", got)
	}
}

func TestTheTestRunsAfterTheBackup(t *testing.T) {
	for sentence, c := range map[string]struct {
		cron, hour, why string
		paused          bool
	}{
		"every night":                  {"30 2 * * *", "4", "after Velero's schedule nightly", false},
		"late in the evening":          {"0 23 * * *", "1", "after Velero's schedule nightly", false},
		"once a week":                  {"0 2 * * 0", "4", "every night", false},
		"every six hours":              {"0 */6 * * *", "4", "every night", false},
		"in words":                     {"@daily", "4", "every night", false},
		"never, for it is paused":      {"30 2 * * *", "4", "NO SCHEDULE", true},
		"at an hour that there is not": {"0 25 * * *", "4", "every night", false},
	} {
		a := application("postgres:16", 5432)
		a.Schedules[0].Spec.Schedule, a.Schedules[0].Spec.Paused = c.cron, c.paused
		p := Make(a)
		if fields := strings.Fields(p.Test.Schedule.Cron); len(fields) != 5 || fields[1] != c.hour || !strings.Contains(p.Schedule, c.why) {
			t.Errorf("%s: %q, %q", sentence, p.Test.Schedule.Cron, p.Schedule)
		}
	}
}

func TestCommandsAreWrittenAsOneTypesThem(t *testing.T) {
	if got := quoted([]string{"sh", "-c", `echo 'a' "$B"`, "plain"}); got != `sh -c 'echo '\''a'\'' "$B"' plain` {
		t.Error(got)
	}
}

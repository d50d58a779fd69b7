package podsecurity

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRefusal(t *testing.T) {
	hardened := corev1.PodSpec{
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{Name: "c", SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}}},
	}
	plain := corev1.PodSpec{Containers: []corev1.Container{{Name: "c"}}}
	change := func(f func(*corev1.PodSpec)) corev1.PodSpec {
		spec := plain.DeepCopy()
		f(spec)
		return *spec
	}
	hostPath := change(func(s *corev1.PodSpec) {
		s.Volumes = []corev1.Volume{{Name: "logs", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}}}
	})
	for name, c := range map[string]struct {
		level string
		spec  corev1.PodSpec
		want  []string // empty: admitted
	}{
		"baseline admits a plain pod":         {"baseline", plain, nil},
		"baseline refuses the host's network": {"baseline", change(func(s *corev1.PodSpec) { s.HostNetwork = true }), []string{`violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)`}},
		"baseline refuses the host's files":   {"baseline", hostPath, []string{`"baseline:latest"`, "hostPath", `"logs"`}},
		"baseline refuses a privileged container": {"baseline", change(func(s *corev1.PodSpec) {
			s.Containers[0].SecurityContext = &corev1.SecurityContext{Privileged: new(true)}
		}), []string{"privileged", `"c"`}},
		"all reasons are named": {"baseline", change(func(s *corev1.PodSpec) {
			s.HostPID = true
			s.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
		}), []string{"hostPID=true", "hostPort"}},
		"restricted refuses a plain pod":  {"restricted", plain, []string{`"restricted:latest"`, "runAsNonRoot"}},
		"restricted admits a careful pod": {"restricted", hardened, nil},
		"privileged admits everything":    {"privileged", hostPath, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Refusal(c.level, &metav1.ObjectMeta{Name: "p"}, &c.spec)
			if err != nil {
				t.Fatal(err)
			}
			if (got == "") != (len(c.want) == 0) {
				t.Errorf("got %q", got)
			}
			for _, part := range c.want {
				if !strings.Contains(got, part) {
					t.Errorf("%q does not say %q", got, part)
				}
			}
		})
	}
}

func TestALevelThatDoesNotExistIsAnError(t *testing.T) {
	if got, err := Refusal("base", &metav1.ObjectMeta{}, &corev1.PodSpec{}); err == nil || !strings.Contains(err.Error(), `"base"`) {
		t.Errorf("got %q, %v", got, err)
	}
}

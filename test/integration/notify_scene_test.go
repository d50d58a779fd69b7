package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var notifyProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "kymaros-notify")
	return path, build(path, "./cmd/kymaros-notify")
})

// notifier is kymaros-notify as a process of its own, with its ServiceAccount, behind a proxy.
type notifier struct {
	*proxy
	t          *testing.T
	kubeconfig string
	flags      []string
	cmd        *exec.Cmd
	log        *os.File
}

func newNotifier(t *testing.T, flags ...string) *notifier {
	t.Helper()
	p, err := newProxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	file, err := cluster.Kubeconfig(t.Context(), "kymaros-notify", scratch, p.server.URL, p.authority(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(scratch, "notify-"+filepath.Base(file)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	n := &notifier{proxy: p, t: t, kubeconfig: file, log: log, flags: append([]string{
		"--kubeconfig=" + file, "--health-bind-address=", "--metrics-bind-address=", "--notify-allow-cidr=127.0.0.1/32", "--cluster-name=here",
		"--dashboard-url=https://kymaros.example.org/", "-v=4",
	}, flags...)}
	n.start()
	t.Cleanup(n.kill)
	return n
}

func (n *notifier) start() {
	program, err := notifyProgram()
	if err != nil {
		n.t.Fatal(err)
	}
	n.cmd = exec.Command(program, n.flags...)
	n.cmd.Stderr = n.log
	if err := n.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
}

// kill ends the process as a crash does.
func (n *notifier) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// heard is a message that came to a receiver.
type heard struct {
	ID    string   `json:"id"`
	Event string   `json:"event"`
	Also  []string `json:"also"`
	Test  struct {
		Namespace, Name string
	} `json:"test"`
	Result, Reason, Message, NextStep, URL string
	// at is when it came.
	at time.Time
}

// receiver is somebody who is told, on loopback.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	all []heard
}

// newReceiver starts one; answer is called for each message, with how many came before it of the same test.
func newReceiver(t *testing.T, answer func(w http.ResponseWriter, m heard, before int)) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		m := heard{at: time.Now()}
		if err != nil || json.Unmarshal(body, &m) != nil || m.ID == "" || in.Header.Get("webhook-id") != m.ID {
			t.Errorf("not a message: %v %s", err, body)
			return
		}
		r.mu.Lock()
		before := 0
		for _, other := range r.all {
			if other.Test == m.Test {
				before++
			}
		}
		r.all = append(r.all, m)
		r.mu.Unlock()
		if answer != nil {
			answer(w, m, before)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.Start()
	t.Cleanup(r.Close)
	return r
}

// of returns what a test was told to it, in order.
func (r *receiver) of(name string) []heard {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []heard
	for _, m := range r.all {
		if m.Test.Name == name {
			all = append(all, m)
		}
	}
	return all
}

// events are those of messages, "event also …".
func eventsOf(all []heard) []string {
	var names []string
	for _, m := range all {
		name := m.Event
		for _, e := range m.Also {
			name += " " + e
		}
		names = append(names, name)
	}
	return names
}

// notified creates a namespace in which kymaros-notify may read Secrets, each with the address of a receiver.
func notified(t *testing.T, name string, receivers map[string]string) string {
	t.Helper()
	ns := newNamespace(t, name)
	mayRead(t, ns)
	for name, address := range receivers {
		if _, err := kube.CoreV1().Secrets(ns).Create(t.Context(), secret(name, address), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return ns
}

func secret(name, address string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string][]byte{"url": []byte(address)}}
}

// mayRead does what condition Notified says is to be done.
func mayRead(t *testing.T, ns string) {
	t.Helper()
	_, err := kube.RbacV1().RoleBindings(ns).Create(t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "kymaros-notifications"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kymaros-notification-secrets"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: "kymaros-notify"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// telling has a test tell of failures to one Secret's receiver and of successes to another's.
func telling(failure, success string) edit {
	return func(rt *v1alpha1.RestoreTest) {
		n := &v1alpha1.Notifications{}
		if failure != "" {
			n.OnFailure = []v1alpha1.NotificationChannel{{Type: "webhook", WebhookSecretRef: failure}}
		}
		if success != "" {
			n.OnSuccess = []v1alpha1.NotificationChannel{{Type: "webhook", WebhookSecretRef: success}}
		}
		rt.Spec.Notifications = n
	}
}

// ran writes the status of rt as controllers do when its n-th run has ended and is cleaned up, but for what change says.
func ran(t *testing.T, rt *v1alpha1.RestoreTest, n int, result v1alpha1.Result, change ...func(*v1alpha1.RestoreTestStatus)) {
	t.Helper()
	eventually(t, stepTimeout, func(ctx context.Context) error {
		now, err := current(ctx, rt)
		if err != nil {
			return err
		}
		before := now.Status
		hasRun(now)
		id := fmt.Sprintf("2026010%d-000000-abcdef", n)
		status := &now.Status
		status.Notifications, status.Run.ID, status.Run.Spec = before.Notifications, id, now.Spec
		status.Sandbox.RunID, status.Restore.RunID, status.Health.RunID, status.Report.RunID, status.Cleanup.RunID = id, id, id, id, id
		for _, c := range before.Conditions {
			if c.Type == v1alpha1.ConditionNotified {
				status.Conditions = append(status.Conditions, c)
			}
		}
		score := int32(100)
		status.LastResult, status.LastScore = result, &score
		status.LastRun = &v1alpha1.LastRun{RunID: id, Reason: "Passed", Message: "all is well", Previous: before.LastResult, Streak: 1, PassedAt: status.LastRunAt, PreviousScore: before.LastScore}
		if result != v1alpha1.ResultPass {
			status.LastScore, status.LastRun.Reason, status.LastRun.Message = nil, v1alpha1.ReasonCheckFailed, "check rows: 812, at least 1000 expected"
		}
		for _, c := range change {
			c(status)
		}
		_, err = kymaros.RestoreV1alpha1().RestoreTests(rt.Namespace).UpdateStatus(ctx, now, metav1.UpdateOptions{FieldManager: "test"})
		return err
	})
}

// told waits until nothing of rt's n-th run is to be sent any more, and returns rt as it is then.
func told(t *testing.T, rt *v1alpha1.RestoreTest, n int) *v1alpha1.RestoreTest {
	t.Helper()
	id := fmt.Sprintf("2026010%d-000000-abcdef", n)
	eventually(t, stepTimeout, func(ctx context.Context) error {
		now, err := current(ctx, rt)
		if err != nil {
			return err
		}
		status := now.Status.Notifications
		if status == nil || status.RunID != id {
			return errors.New("nothing is decided: " + story(now))
		}
		if slices.ContainsFunc(status.Deliveries, func(d v1alpha1.NotificationDelivery) bool { return d.State == v1alpha1.DeliveryPending }) {
			return errors.New("something is to be sent: " + story(now))
		}
		rt = now
		return nil
	})
	return rt
}

func scored(n int32) func(*v1alpha1.RestoreTestStatus) {
	return func(s *v1alpha1.RestoreTestStatus) { s.LastScore = new(n) }
}

package restore

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	velerov2alpha1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v2alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/generated/clientset/versioned/fake"
)

// TestDataThatNoNodeAgentMovesIsNotWaitedFor: nobody takes it up, and Velero would wait for it as long as it may.
func TestDataThatNoNodeAgentMovesIsNotWaitedFor(t *testing.T) {
	const inProgress, waiting = velerov1.RestorePhaseInProgress, velerov1.RestorePhaseWaitingForPluginOperations
	toMove := func(phase velerov2alpha1.DataDownloadPhase, node string, age time.Duration, mover string) runtime.Object {
		d := download("d", phase, "")
		d.Status.Node, d.Spec.DataMover, d.CreationTimestamp = node, mover, metav1.NewTime(now.Add(-age))
		return d
	}
	toFill := func(phase velerov1.PodVolumeRestorePhase, age time.Duration) runtime.Object {
		v := podVolume("v", phase, "")
		v.CreationTimestamp = metav1.NewTime(now.Add(-age))
		return v
	}
	for name, c := range map[string]struct {
		phase   velerov1.RestorePhase
		object  runtime.Object
		agents  []runtime.Object
		expired bool
		want    string // what is said, "" if it is waited for
	}{
		"no agent is there":                      {waiting, toMove("", "", 2*time.Minute, ""), nil, false, "db: DataDownload d of claim data: no node agent of Velero is there to move its data"},
		"nor for a new one":                      {waiting, toMove("New", "", time.Hour, "velero"), nil, false, "DataDownload d of claim data"},
		"not for long":                           {waiting, toMove("", "", time.Minute, ""), nil, false, ""},
		"one is, and has much to do":             {waiting, toMove("", "", time.Hour, ""), []runtime.Object{agentOn("a")}, false, ""},
		"it is moved by somebody else's":         {waiting, toMove("", "", time.Hour, "acme"), nil, false, ""},
		"the one that moves it is gone":          {waiting, toMove("InProgress", "b", time.Hour, ""), []runtime.Object{agentOn("a")}, false, ""},
		"and the run ends":                       {waiting, toMove("InProgress", "b", time.Hour, ""), []runtime.Object{agentOn("a")}, true, "no node agent of Velero is on b to move its data"},
		"the one that moves it is there at last": {waiting, toMove("InProgress", "a", time.Hour, ""), []runtime.Object{agentOn("a")}, true, ""},
		"one that is accepted needs any":         {waiting, toMove("Accepted", "", time.Hour, ""), []runtime.Object{agentOn("a")}, true, ""},
		"it was moved":                           {waiting, toMove("Completed", "b", time.Hour, ""), nil, true, ""},
		"none is left where the pod is":          {inProgress, toFill("", 2*time.Minute), []runtime.Object{agentOn("a")}, false, "db: PodVolumeRestore v of Pod/db-0: no node agent of Velero is on b to move its data"},
		"Velero tells by itself soon":            {inProgress, toFill("", time.Minute), []runtime.Object{agentOn("a")}, false, ""},
		"one is where the pod is":                {inProgress, toFill("", time.Hour), []runtime.Object{agentOn("b")}, true, ""},
		"the one that fills it is gone":          {inProgress, toFill("InProgress", time.Hour), []runtime.Object{agentOn("a")}, true, "no node agent of Velero is on b"},
		"and may come back":                      {inProgress, toFill("InProgress", time.Hour), []runtime.Object{agentOn("a")}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := restoreIn(c.phase, func(r *velerov1.Restore) {
				r.Namespace, r.Status.StartTimestamp = "velero", &metav1.Time{Time: now.Add(-time.Hour)}
			})
			pod := onNode("sbx-db", "db-0", "b", nil)
			pod.Spec.InitContainers = []corev1.Container{{Name: "restore-wait", Args: []string{"ours"}}}
			controller := &Controller{client: fake.NewSimpleClientset(c.object), options: Options{VeleroNamespace: "velero"},
				still: map[string]stillness{r.Name: {next: now, pause: firstLook, agentless: c.object.(metav1.Object).GetCreationTimestamp().Time}}, kube: kubefake.NewClientset(append(c.agents, pod)...)}
			rt, s := test(createdBefore), seen{restore: r}
			if c.expired {
				expired(rt)
			}
			if err := controller.watch(t.Context(), rt, &s, nil, c.expired, now); err != nil {
				t.Fatal(err)
			}
			p := decide(rt, s, now)
			got := p.condition
			status, reason := metav1.ConditionUnknown, v1alpha1.ReasonInProgress
			switch {
			case c.want != "" && c.expired:
				status, reason = metav1.ConditionFalse, v1alpha1.ReasonClusterLacks
			case c.want != "":
				reason = v1alpha1.ReasonClusterLacks
			case c.expired:
				status, reason = metav1.ConditionFalse, v1alpha1.ReasonDeadlineExceeded
			}
			if got.Status != status || got.Reason != reason || !strings.Contains(got.Message, c.want) || p.cancel != (c.want != "") {
				t.Errorf("cancel %t, %s (%s) %s, want %s (%s) %s", p.cancel, got.Status, got.Reason, got.Message, status, reason, c.want)
			}
		})
	}
}

// TestAnAgentThatIsUpdatedIsWaitedFor: what waits for its turn is as old as the restore, and the agent has gone but now.
func TestAnAgentThatIsUpdatedIsWaitedFor(t *testing.T) {
	const vain = "no node agent of Velero is there"
	r := restoreIn(velerov1.RestorePhaseWaitingForPluginOperations, func(r *velerov1.Restore) { r.Namespace = "velero" })
	d := download("d", "", "")
	d.CreationTimestamp = metav1.NewTime(now.Add(-time.Hour))
	agents := kubefake.NewClientset()
	controller := &Controller{client: fake.NewSimpleClientset(d), options: Options{VeleroNamespace: "velero"}, still: map[string]stillness{}, kube: agents}
	for _, look := range []struct {
		after   time.Duration
		version string
		back    bool
		vain    bool
	}{
		{0, "1", false, false}, {time.Minute, "1", false, false}, {2 * time.Minute, "2", false, false}, // which has changed, so it is not looked at
		{150 * time.Second, "2", false, false}, {190 * time.Second, "2", false, true},
		{4 * time.Minute, "2", true, false}, {5 * time.Minute, "2", false, false}, {6 * time.Minute, "2", false, false}, {430 * time.Second, "2", false, true},
	} {
		if look.back {
			if err := agents.Tracker().Add(agentOn("a")); err != nil {
				t.Fatal(err)
			}
		} else {
			_ = agents.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), "velero", "node-agent-a")
		}
		r.ResourceVersion = look.version
		s := seen{restore: r}
		if err := controller.watch(t.Context(), test(createdBefore), &s, nil, false, now.Add(look.after)); err != nil {
			t.Fatal(err)
		}
		if got := len(s.hopeless) == 1 && strings.Contains(s.hopeless[0].message, vain); got != look.vain {
			t.Errorf("after %v, back %t: %+v", look.after, look.back, s.hopeless)
		}
	}
}

// TestAtTheDeadlineWhatMovesCounts: a pod that has waited for a moment is not why the run has no more time.
func TestAtTheDeadlineWhatMovesCounts(t *testing.T) {
	full := waiting(time.Hour, waitingForNode(5*time.Second, "Unschedulable", "0/2 nodes are available: 2 node(s) were unschedulable."))
	filled := onNode("sbx-db", "db-0", "a", nil)
	for name, c := range map[string]struct {
		phase  velerov1.PodVolumeRestorePhase
		agents []string
		want   int
	}{"it moves": {"InProgress", []string{"a"}, 0}, "it was moved": {"Completed", []string{"a"}, 1}, "nobody moves it": {"InProgress", []string{"b"}, 2}} {
		l := look{
			test: &v1alpha1.RestoreTestSpec{}, restore: restoreIn(velerov1.RestorePhaseInProgress), pods: []corev1.Pod{full, *filled}, ending: true,
			sources: map[string]string{"sbx-shop": "shop", "sbx-db": "db"}, agents: sets.New(c.agents...),
			claims: map[string][]corev1.PersistentVolumeClaim{"sbx-shop": {pending("data", "fast")}}, classes: sets.New("fast"),
			moves: moves{podVolumes: []velerov1.PodVolumeRestore{*podVolume("v", c.phase, "")}},
		}
		if got := hopeless(l, now); len(got) != c.want {
			t.Errorf("%s: %+v, want %d", name, got, c.want)
		}
	}
}

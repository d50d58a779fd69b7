package isolation

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
)

var now = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

type podEdit = func(*corev1.Pod)

// canaryPod is one that is ready since long.
func canaryPod(component, node string, edits ...podEdit) corev1.Pod {
	long := metav1.NewTime(now.Add(-time.Hour))
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "kymaros-canary", Name: component + "-" + node,
			Labels: map[string]string{"app.kubernetes.io/name": "kymaros", "app.kubernetes.io/component": component},
		},
		Spec: corev1.PodSpec{NodeName: node},
		Status: corev1.PodStatus{
			Phase:      corev1.PodRunning,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: long}},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "canary", Ready: true, Started: new(true), State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: long}},
			}},
		},
	}
	for _, e := range edits {
		e(&pod)
	}
	return pod
}

func notReadySince(age time.Duration) podEdit {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(now.Add(-age))
		pod.Status.ContainerStatuses[0].Ready = false
	}
}

func startedAgo(age time.Duration) podEdit {
	return func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(now.Add(-age))
	}
}

func unstarted(pod *corev1.Pod) { pod.Status.ContainerStatuses[0].Started = new(false) }

func crashed(pod *corev1.Pod) {
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
}

func bare(pod *corev1.Pod) { pod.Status = corev1.PodStatus{Phase: corev1.PodPending} }

func ending(pod *corev1.Pod) { pod.DeletionTimestamp = &metav1.Time{Time: now} }

func readySince(age time.Duration) podEdit {
	return func(pod *corev1.Pod) {
		pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(now.Add(-age))
	}
}

// lost is as the node lifecycle controller leaves a pod: it changes this condition, and the kubelet is not there to say more.
func lost(pod *corev1.Pod) { pod.Status.Conditions[0].Status = corev1.ConditionFalse }

func TestProve(t *testing.T) {
	const fenced, control = "canary-fenced", "canary-control"
	both := func(node string) []corev1.Pod { return []corev1.Pod{canaryPod(fenced, node), canaryPod(control, node)} }
	for name, c := range map[string]struct {
		pods  []corev1.Pod
		state v1alpha1.IsolationProof
		says  []string
	}{
		"both canaries of each node are ready":       {slices.Concat(both("a"), both("b")), "proven", nil},
		"no canary is installed":                     {nil, "unproven", []string{"manifests/45-canary.yaml"}},
		"one node lacks a canary":                    {append(both("a"), canaryPod(fenced, "b")), "unproven", []string{"node b", "DaemonSet kymaros-canary/canary-control"}},
		"something gets through on one of two nodes": {append(both("a"), canaryPod(fenced, "b", notReadySince(time.Minute)), canaryPod(control, "b")), "notEnforced", []string{"canary-fenced-b on node b"}},
		"it gets through while the control fails too": {
			[]corev1.Pod{canaryPod(fenced, "a", notReadySince(time.Minute)), canaryPod(control, "a", notReadySince(time.Minute))}, "notEnforced", []string{"canary-fenced-a on node a"},
		},
		"the network is dead, which looks like isolation": {
			[]corev1.Pod{canaryPod(fenced, "a"), canaryPod(control, "a", notReadySince(time.Minute))}, "unproven", []string{"canary-control-a on node a", "the network or the targets do not work", "kubectl -n kymaros-canary logs canary-control-a", "kubectl -n kymaros-canary-targets get pods"},
		},
		"the fenced canary has not looked yet": {
			[]corev1.Pod{canaryPod(fenced, "a", notReadySince(time.Hour), unstarted), canaryPod(control, "a")}, "unproven", []string{"canary-fenced-a on node a is not ready", "kubectl -n kymaros-canary-targets get pods"},
		},
		"the fenced canary began a moment ago": {
			[]corev1.Pod{canaryPod(fenced, "a", notReadySince(time.Hour), startedAgo(settle-time.Second)), canaryPod(control, "a")}, "unproven", []string{"is not ready"},
		},
		"the fenced canary began, and has settled": {
			[]corev1.Pod{canaryPod(fenced, "a", notReadySince(time.Hour), startedAgo(settle)), canaryPod(control, "a")}, "notEnforced", nil,
		},
		"one probe was late": {
			[]corev1.Pod{canaryPod(fenced, "a", notReadySince(settle-time.Second)), canaryPod(control, "a")}, "unproven", []string{"is not ready"},
		},
		"the fenced canary crashes":         {[]corev1.Pod{canaryPod(fenced, "a", notReadySince(time.Hour), crashed), canaryPod(control, "a")}, "unproven", []string{"is not ready"}},
		"its image is being pulled":         {[]corev1.Pod{canaryPod(fenced, "a", bare), canaryPod(control, "a")}, "unproven", []string{"is not ready"}},
		"a canary does not fit on its node": {append(both("a"), canaryPod(fenced, "", bare)), "unproven", []string{"has no node yet"}},
		"a pod is being replaced":           {append(both("a"), canaryPod(fenced, "a", notReadySince(time.Hour), ending)), "proven", nil},
		"the one that ends is no proof":     {[]corev1.Pod{canaryPod(fenced, "a", ending), canaryPod(control, "a")}, "unproven", []string{"no pod of DaemonSet kymaros-canary/canary-fenced"}},
		"a node that is lost takes no pods": {append(both("a"), canaryPod(fenced, "b", lost), canaryPod(control, "b", lost)), "proven", nil},
		"a node is lost whose fenced canary was not ready yet": {
			append(both("a"), canaryPod(fenced, "b", notReadySince(time.Hour)), canaryPod(control, "b", lost)), "proven", nil,
		},
		"the fenced canary leaked a moment ago": {
			[]corev1.Pod{canaryPod(fenced, "a", readySince(settle-time.Second)), canaryPod(control, "a")}, "unproven", []string{"canary-fenced-a on node a has been ready for less than 15s"},
		},
		"the fenced canary leaked, and has settled": {[]corev1.Pod{canaryPod(fenced, "a", readySince(settle)), canaryPod(control, "a")}, "proven", nil},
		"the fenced canary restarted a moment ago": {
			[]corev1.Pod{canaryPod(fenced, "a", startedAgo(settle-time.Second)), canaryPod(control, "a")}, "unproven", []string{"less than 15s"},
		},
		"the control canary is ready for the first time": {[]corev1.Pod{canaryPod(fenced, "a"), canaryPod(control, "a", readySince(0))}, "proven", nil},
		"all nodes are lost":                             {[]corev1.Pod{canaryPod(fenced, "b", lost), canaryPod(control, "b", lost)}, "unproven", []string{"no node"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Prove(c.pods, now)
			if got.State != c.state || (got.Message == "") != (c.state == "proven") {
				t.Fatalf("got %+v, want %s", got, c.state)
			}
			for _, want := range c.says {
				if !strings.Contains(got.Message, want) {
					t.Errorf("%q does not say %q", got.Message, want)
				}
			}
		})
	}
}

func TestAProofOfManyNodesIsShort(t *testing.T) {
	var pods []corev1.Pod
	for i := range 50 {
		pods = append(pods, canaryPod("canary-fenced", fmt.Sprintf("node-%02d", i), notReadySince(time.Hour)))
	}
	slices.Reverse(pods)
	got := Prove(pods, now).Message
	if !strings.Contains(got, "node-00") || !strings.HasSuffix(got, "; and 47 more") || len(got) > 1000 {
		t.Errorf("message %q", got)
	}
}

func TestAVerdictNamesWhatSpeaksAgainstIt(t *testing.T) {
	for state, want := range map[v1alpha1.IsolationProof]string{
		v1alpha1.IsolationNotEnforced: v1alpha1.ReasonIsolationNotEnforced,
		v1alpha1.IsolationUnproven:    v1alpha1.ReasonIsolationUnproven,
	} {
		reason, message := Proof{State: state, Message: "so it is on node a"}.Verdict()
		if reason != want || !strings.Contains(message, "nothing was restored") || !strings.Contains(message, "so it is on node a") {
			t.Errorf("%s: %s %q", state, reason, message)
		}
	}
}

func TestCanariesAreLookedForInTheirNamespaceAndByTheirLabels(t *testing.T) {
	kube := fake.NewClientset()
	elsewhere := canaryPod("canary-fenced", "c", notReadySince(time.Hour))
	elsewhere.Namespace = "default"
	for _, pod := range []corev1.Pod{canaryPod("canary-fenced", "a"), canaryPod("canary-control", "a"), canaryPod("canary-target", "b"), elsewhere} {
		if err := kube.Tracker().Add(&pod); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Look(t.Context(), kube); err != nil || got.State != v1alpha1.IsolationProven {
		t.Errorf("%+v, %v", got, err)
	}
}

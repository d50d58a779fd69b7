package restore

import (
	"strings"
	"testing"
	"time"

	velerov1 "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kymaros/kymaros/pkg/apis/restore/v1alpha1"
	"github.com/kymaros/kymaros/pkg/names"
)

// waiting returns a pod of the sandbox of shop that waits for Velero's data since a while.
func waiting(age time.Duration, edits ...func(*corev1.Pod)) corev1.Pod {
	pod := corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "sbx-shop", Name: "db-0", UID: "pod", CreationTimestamp: metav1.NewTime(now.Add(-age))},
		Spec: corev1.PodSpec{
			InitContainers: []corev1.Container{{Name: "restore-wait", Args: []string{"ours"}}},
			Volumes:        []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}},
		},
	}
	for _, e := range edits {
		e(&pod)
	}
	return pod
}

func waitingForNode(since time.Duration, reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now.Add(-since)),
		}}
	}
}

func pulls(container, reason, message string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{
			Name: container, Image: "example.com/x:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
		}}
	}
}

func ephemeral(p *corev1.Pod) {
	p.Spec.Volumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}}
}

func pending(name, class string, owners ...types.UID) corev1.PersistentVolumeClaim {
	claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: "sbx-shop", Name: name}}
	claim.Spec.StorageClassName, claim.Status.Phase = &class, corev1.ClaimPending
	for _, uid := range owners {
		yes := true
		claim.OwnerReferences = append(claim.OwnerReferences, metav1.OwnerReference{UID: uid, Controller: &yes})
	}
	return claim
}

func event(reason, message string) corev1.Event {
	return corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: "sbx-shop", Name: "db-0", UID: "pod"}, Reason: reason, Message: message}
}

func TestWhatVeleroWaitsForInVainIsNamed(t *testing.T) {
	bound := pending("data", "gone")
	bound.Spec.VolumeName, bound.Status.Phase = "pv", corev1.ClaimBound
	fast := pending("data", "fast")
	noNodes := "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) didn't match Pod's node affinity/selector. " +
		"no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
	notReady := "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }."
	for name, c := range map[string]struct {
		phase  velerov1.RestorePhase
		pod    corev1.Pod
		claims []corev1.PersistentVolumeClaim
		events []corev1.Event
		ending bool   // the deadline has passed
		want   string // "" for nothing
		ours   bool
	}{
		"the class of its claim is gone": {pod: waiting(0), claims: []corev1.PersistentVolumeClaim{pending("data", "gone")},
			want: "shop: Pod/db-0: claim data is of storage class gone, which does not exist"},
		"the class is gone, and the volume there": {pod: waiting(time.Hour), claims: []corev1.PersistentVolumeClaim{bound}},
		"its claim waits for a volume":            {pod: waiting(time.Hour), claims: []corev1.PersistentVolumeClaim{fast}},
		"its claim has no class": {pod: waiting(0), claims: []corev1.PersistentVolumeClaim{pending("data", names.NoClass)},
			want: "shop: Pod/db-0: claim data has no storage class of its own, and the cluster has no default class", ours: true},
		"its claim is not there":     {pod: waiting(time.Minute), want: "shop: Pod/db-0: its claim data was refused, or is not in the backup", ours: true},
		"its claim is not there yet": {pod: waiting(10 * time.Second)},
		"its ephemeral volume is somebody else's": {pod: waiting(0, ephemeral), claims: []corev1.PersistentVolumeClaim{pending("db-0-scratch", "fast")},
			want: "shop: Pod/db-0: Kubernetes does not let it use claim db-0-scratch of its ephemeral volume scratch: Velero restores such a claim without its owner"},
		"its ephemeral volume is its own":       {pod: waiting(time.Hour, ephemeral), claims: []corev1.PersistentVolumeClaim{pending("db-0-scratch", "fast", "pod")}},
		"its ephemeral volume is not there yet": {pod: waiting(time.Hour, ephemeral)},
		"no node matches": {pod: waiting(time.Hour, waitingForNode(3*time.Minute, "Unschedulable", noNodes)), claims: []corev1.PersistentVolumeClaim{fast},
			want: "shop: Pod/db-0: no node matches its node selector or affinity"},
		"no node matches yet": {pod: waiting(time.Hour, waitingForNode(50*time.Second, "Unschedulable", noNodes)), claims: []corev1.PersistentVolumeClaim{fast}},
		"no node has room": {pod: waiting(time.Hour, waitingForNode(time.Minute, "Unschedulable",
			"0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.")),
			claims: []corev1.PersistentVolumeClaim{fast},
			want:   "shop: Pod/db-0: no node has room for it beside production (Insufficient memory)", ours: true},
		"no node has room yet": {pod: waiting(time.Hour, waitingForNode(50*time.Second, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")),
			claims: []corev1.PersistentVolumeClaim{fast}},
		"an autoscaler makes room": {pod: waiting(time.Hour, waitingForNode(2*time.Minute, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")),
			claims: []corev1.PersistentVolumeClaim{fast}, events: []corev1.Event{event("TriggeredScaleUp", "pod triggered scale-up: [{pool 3->4 (max: 9)}]")}},
		"an autoscaler made none": {pod: waiting(time.Hour, waitingForNode(10*time.Minute, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")),
			claims: []corev1.PersistentVolumeClaim{fast}, events: []corev1.Event{event("Nominated", "Pod should schedule on: nodeclaim/x")},
			want: "shop: Pod/db-0: no node has room for it beside production (Insufficient memory)", ours: true},
		"the deadline comes before that": {pod: waiting(time.Hour, waitingForNode(20*time.Second, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory.")),
			claims: []corev1.PersistentVolumeClaim{fast}, events: []corev1.Event{event("TriggeredScaleUp", "pod triggered scale-up: [{pool 3->4 (max: 9)}]")}, ending: true,
			want: "shop: Pod/db-0: no node has room for it beside production (Insufficient memory)", ours: true},
		"a Secret that it mounts is not there": {pod: waiting(time.Minute), claims: []corev1.PersistentVolumeClaim{fast},
			events: []corev1.Event{event("FailedMount", `MountVolume.SetUp failed for volume "credentials" : secret "api-credentials" not found`)},
			want:   `shop: Pod/db-0: its volumes cannot be mounted: secret "api-credentials" not found`},
		"a key that it mounts is not there": {pod: waiting(time.Minute), claims: []corev1.PersistentVolumeClaim{fast},
			events: []corev1.Event{event("FailedMount", `MountVolume.SetUp failed for volume "c" : references non-existent config key: app.ini`)},
			want:   "shop: Pod/db-0: its volumes cannot be mounted: references non-existent config key: app.ini"},
		"what it mounts is not there yet": {pod: waiting(10 * time.Second), claims: []corev1.PersistentVolumeClaim{fast},
			events: []corev1.Event{event("FailedMount", `secret "api-credentials" not found`)}},
		"another pod lacks a Secret": {pod: waiting(time.Minute, func(p *corev1.Pod) { p.UID = "another" }), claims: []corev1.PersistentVolumeClaim{fast},
			events: []corev1.Event{event("FailedMount", `secret "api-credentials" not found`)}},
		"a volume that comes late": {pod: waiting(time.Minute), claims: []corev1.PersistentVolumeClaim{fast},
			events: []corev1.Event{event("FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition")}},
		"one node is not ready": {pod: waiting(time.Hour, waitingForNode(9*time.Minute, "Unschedulable", notReady)), claims: []corev1.PersistentVolumeClaim{fast}},
		"one node stays as it is": {pod: waiting(time.Hour, waitingForNode(10*time.Minute, "Unschedulable", notReady)), claims: []corev1.PersistentVolumeClaim{fast},
			want: "shop: Pod/db-0: no node takes it for now (had untolerated taint {node.kubernetes.io/not-ready: })", ours: true},
		"the nodes are cordoned at the deadline": {pod: waiting(time.Hour, waitingForNode(20*time.Second, "Unschedulable", "0/2 nodes are available: 2 node(s) were unschedulable.")),
			claims: []corev1.PersistentVolumeClaim{fast}, ending: true, want: "shop: Pod/db-0: no node takes it for now (were unschedulable)", ours: true},
		"no node matches, and one has a taint of which nobody says which": {pod: waiting(time.Hour, waitingForNode(time.Minute, "Unschedulable",
			"0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector.")), claims: []corev1.PersistentVolumeClaim{fast},
			want: "shop: Pod/db-0: no node matches its node selector or affinity, unless one of those does that had untolerated taint(s)", ours: true},
		"all nodes are kept for others, which is no matter of the pod": {pod: waiting(time.Hour, waitingForNode(time.Hour, "Unschedulable",
			"0/1 nodes are available: 1 node(s) had untolerated taint {maintenance: }.")), claims: []corev1.PersistentVolumeClaim{fast}},
		"its scheduling gates stay closed": {pod: waiting(time.Hour, waitingForNode(time.Hour, "SchedulingGated", "")), claims: []corev1.PersistentVolumeClaim{fast},
			want: "shop: Pod/db-0: whoever is to open its scheduling gates is not in the sandbox", ours: true},
		"Velero's own image is not there": {pod: waiting(time.Minute, pulls("restore-wait", "ImagePullBackOff", "example.com/x:1: not found")), claims: []corev1.PersistentVolumeClaim{fast},
			want: "shop: Pod/db-0: image example.com/x:1 of its init container restore-wait is not there (ImagePullBackOff); it is Velero's own", ours: true},
		"an init container before has none": {pod: waiting(0, pulls("mesh", "ErrImageNeverPull", "")), claims: []corev1.PersistentVolumeClaim{fast},
			want: "shop: Pod/db-0: image example.com/x:1 of its init container mesh is not there (ErrImageNeverPull)"},
		"the registry does not answer":       {pod: waiting(time.Hour, pulls("mesh", "ImagePullBackOff", "i/o timeout")), claims: []corev1.PersistentVolumeClaim{fast}},
		"the registry lost it for a moment":  {pod: waiting(10*time.Second, pulls("mesh", "ErrImagePull", "not found")), claims: []corev1.PersistentVolumeClaim{fast}},
		"an image of the application itself": {pod: waiting(time.Hour, pulls("app", "PodInitializing", "")), claims: []corev1.PersistentVolumeClaim{fast}},
		"Velero fills its volumes": {pod: waiting(time.Hour, func(p *corev1.Pod) {
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "restore-wait", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		}), claims: []corev1.PersistentVolumeClaim{pending("data", "gone")}},
		"it has no volume that Velero fills": {pod: waiting(time.Hour, func(p *corev1.Pod) { p.Spec.InitContainers = nil }), claims: []corev1.PersistentVolumeClaim{pending("data", "gone")}},
		"Velero's container is of a former Restore": {pod: waiting(time.Minute, func(p *corev1.Pod) { p.Spec.InitContainers[0].Args = []string{"former"} }, pulls("migrate", "ImagePullBackOff", "example.com/x:1: not found")),
			claims: []corev1.PersistentVolumeClaim{fast}},
		"the class of a volume out of a snapshot is gone": {phase: velerov1.RestorePhaseWaitingForPluginOperations, pod: waiting(0, func(p *corev1.Pod) { p.Spec.InitContainers = nil }),
			claims: []corev1.PersistentVolumeClaim{pending("data", "gone")}, want: "shop: claim data is of storage class gone, which does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			l := look{
				test: &v1alpha1.RestoreTestSpec{}, restore: restoreIn(c.phase), pods: []corev1.Pod{c.pod}, events: c.events, claims: map[string][]corev1.PersistentVolumeClaim{"sbx-shop": c.claims},
				sources: map[string]string{"sbx-shop": "shop"}, classes: sets.New("fast"), ending: c.ending,
			}
			got := hopeless(l, now)
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || got[0] != obstacle{message: c.want, ours: c.ours}) {
				t.Errorf("got %+v, want %q (ours: %t)", got, c.want, c.ours)
			}
		})
	}
}

func TestWhatIsOfTheSandboxOnlySaysNothingOfTheBackup(t *testing.T) {
	bad, ours, elsewhere := obstacle{message: "bad"}, obstacle{message: "ours", ours: true}, obstacle{message: "no class", mapping: "storageClasses"}
	agent := obstacle{message: "no node agent", agent: true}
	for _, c := range []struct {
		all  []obstacle
		want string
	}{{[]obstacle{ours}, "CannotStartInSandbox"}, {[]obstacle{bad, ours}, "CannotStart"}, {[]obstacle{bad}, "CannotStart"},
		{[]obstacle{elsewhere}, "ClusterLacks"}, {[]obstacle{elsewhere, ours}, "ClusterLacks"}, {[]obstacle{elsewhere, bad}, "CannotStart"},
		{[]obstacle{agent}, "ClusterLacks"}, {[]obstacle{agent, ours}, "ClusterLacks"}, {[]obstacle{agent, bad}, "CannotStart"}} {
		if reason, message := cannotStart(c.all); reason != c.want || !strings.Contains(message, c.all[0].message) {
			t.Errorf("%v: %s, %q; want %s", c.all, reason, message, c.want)
		}
	}
}

// TestWhatTheTestLeavesOutSaysNothingOfTheBackup: a real restore, of all of it, does not wait for it.
func TestWhatTheTestLeavesOutSaysNothingOfTheBackup(t *testing.T) {
	fast := []corev1.PersistentVolumeClaim{pending("data", "fast")}
	mount := event("FailedMount", `MountVolume.SetUp failed for volume "c" : secret "api-credentials" not found`)
	excluding := func(names ...v1alpha1.ResourceName) v1alpha1.RestoreTestSpec {
		return v1alpha1.RestoreTestSpec{Restore: &v1alpha1.RestoreScope{ExcludedResources: names}}
	}
	web := v1alpha1.RestoreTestSpec{BackupSource: v1alpha1.BackupSource{LabelSelector: map[string]string{"tier": "web"}}}
	notFound := pulls("mesh", "ImagePullBackOff", "example.com/x:1: not found")
	for name, c := range map[string]struct {
		test   v1alpha1.RestoreTestSpec
		pod    corev1.Pod
		claims []corev1.PersistentVolumeClaim
		events []corev1.Event
		want   string
		ours   bool
	}{
		"a Secret that it mounts": {excluding("secrets"), waiting(time.Minute), fast, []corev1.Event{mount},
			`its volumes cannot be mounted: left out by the test (spec.restore.excludedResources): secret "api-credentials" not found`, true},
		"perhaps, for want of a label": {web, waiting(time.Minute), fast, []corev1.Event{mount},
			`its volumes cannot be mounted: perhaps left out by the test (spec.backupSource.labelSelector): secret "api-credentials" not found`, true},
		"other kinds only": {excluding("configmaps"), waiting(time.Minute), fast, []corev1.Event{mount}, `its volumes cannot be mounted: secret "api-credentials" not found`, false},
		"one of two": {excluding("secrets"), waiting(time.Minute), fast, []corev1.Event{mount, event("FailedMount", `configmap "app" not found`)},
			`its volumes cannot be mounted: configmap "app" not found, secret "api-credentials" not found`, false},
		"its claim": {excluding("persistentvolumeclaims"), waiting(time.Minute), nil, nil,
			`left out by the test (spec.restore.excludedResources): persistentvolumeclaim "data" not found`, true},
		"the Secret for its image": {excluding("secrets"), waiting(time.Minute, notFound), fast,
			[]corev1.Event{event("FailedToRetrieveImagePullSecret", "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.")},
			"image example.com/x:1 of its init container mesh is not there (ImagePullBackOff); left out by the test (spec.restore.excludedResources): image pull secrets (regcred)", true},
		"no Secret for its image": {excluding("secrets"), waiting(time.Minute, notFound), fast, nil, "image example.com/x:1 of its init container mesh is not there (ImagePullBackOff)", false},
	} {
		t.Run(name, func(t *testing.T) {
			l := look{test: &c.test, restore: restoreIn(""), pods: []corev1.Pod{c.pod}, events: c.events, claims: map[string][]corev1.PersistentVolumeClaim{"sbx-shop": c.claims},
				sources: map[string]string{"sbx-shop": "shop"}, classes: sets.New("fast")}
			if got := hopeless(l, now); len(got) != 1 || got[0] != (obstacle{message: "shop: Pod/db-0: " + c.want, ours: c.ours}) {
				t.Errorf("got %+v, want %q (ours: %t)", got, c.want, c.ours)
			}
		})
	}
}

// TestWhatAnotherClusterLacksIsMapped: it says nothing about the backup there, and much in the cluster of the backup.
func TestWhatAnotherClusterLacksIsMapped(t *testing.T) {
	noNode := "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
	fast := []corev1.PersistentVolumeClaim{pending("data", "fast")}
	for name, c := range map[string]struct {
		pod     corev1.Pod
		claims  []corev1.PersistentVolumeClaim
		mapping string // "" if nothing is hopeless
		here    bool   // also in the cluster of the backup
	}{
		"the class of its claim": {waiting(0), []corev1.PersistentVolumeClaim{pending("data", "gone")}, "storageClasses", true},
		"a node of its kind":     {waiting(time.Hour, waitingForNode(time.Hour, "Unschedulable", noNode)), fast, "nodeSelectors", true},
		"a node, of those without taints": {waiting(time.Hour, waitingForNode(time.Hour, "Unschedulable",
			"0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) didn't match Pod's node affinity/selector.")), fast, "nodeSelectors", true},
		"an image":                     {waiting(time.Minute, pulls("mesh", "ImagePullBackOff", "example.com/x:1: not found")), fast, "imageRegistries", true},
		"the way to a registry":        {waiting(2*time.Minute, pulls("mesh", "ImagePullBackOff", "i/o timeout")), fast, "imageRegistries", false},
		"the way to one, for a moment": {waiting(time.Minute, pulls("mesh", "ImagePullBackOff", "i/o timeout")), fast, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			l := look{test: &v1alpha1.RestoreTestSpec{}, restore: restoreIn(""), pods: []corev1.Pod{c.pod}, claims: map[string][]corev1.PersistentVolumeClaim{"sbx-shop": c.claims},
				sources: map[string]string{"sbx-shop": "shop"}, classes: sets.New("fast"), elsewhere: true}
			got := hopeless(l, now)
			if c.mapping == "" && len(got) > 0 || c.mapping != "" && (len(got) != 1 || got[0].mapping != c.mapping) {
				t.Fatalf("elsewhere: %+v, want mapping %q", got, c.mapping)
			}
			if c.mapping != "" {
				if reason, message := cannotStart(got); reason != "ClusterLacks" || !strings.Contains(message, "map it by spec.restore.mappings."+c.mapping) {
					t.Errorf("%s: %s", reason, message)
				}
			}
			l.elsewhere = false
			if got := hopeless(l, now); (len(got) > 0) != c.here || len(got) > 0 && got[0].mapping != "" {
				t.Errorf("in the cluster of the backup: %+v", got)
			}
		})
	}
}

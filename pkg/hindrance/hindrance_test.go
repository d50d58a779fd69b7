package hindrance

import (
	"strings"
	"testing"
)

func TestEveryRefusalHasARemedy(t *testing.T) {
	for name, c := range map[string]struct{ refusal, remedy string }{
		"Pod Security restricted": {`violates PodSecurity "restricted:latest": runAsNonRoot != true`, "set sandbox.podSecurity to baseline"},
		"Pod Security baseline":   {`violates PodSecurity "baseline:latest": hostPath volumes (volume "x")`, "cannot be tested"},
		"the fence":               {"kymaros fence: volume orders of a pod in a sandbox: no", "cannot be tested"},
		"the quota of CPU":        {"exceeded quota: kymaros-quota, requested: requests.cpu=2, limited: requests.cpu=1", "raise sandbox.resourceQuota.cpu, and the controller's flag --max-sandbox-cpu"},
		"the quota of memory":     {"exceeded quota: kymaros-quota, requested: requests.memory=2Gi, limited: requests.memory=1Gi", "raise sandbox.resourceQuota.memory, and the controller's flag --max-sandbox-memory"},
		"the quota of storage":    {"exceeded quota: kymaros-quota, requested: requests.storage=2Gi, limited: requests.storage=1Gi", "raise sandbox.resourceQuota.storage, and the controller's flag --max-sandbox-storage"},
		"a class of volumes":      {"exceeded quota: kymaros-quota, requested: static.storageclass.storage.k8s.io/persistentvolumeclaims=1, limited: static.storageclass.storage.k8s.io/persistentvolumeclaims=0", "bind or delete it"},
		"a class of pods":         {"exceeded quota: kymaros-priority, requested: pods=1, limited: pods=0", "PriorityClass"},
		"a node without room":     {NoRoom + " (podAntiAffinity)", "prefer instead of require"},
		"nodes that take none":    {NoNodeNow + " (were unschedulable)", "run again when"},
		"a narrow test":           {LeftOut + ` (spec.restore.excludedResources): secret "quota" not found`, "or leave the pods out as well"},
		"an eviction":             {MadeRoom + ": EvictionByEvictionAPI", "copies come last"},
		"a node that is silent":   {NodeSilent + ": node-2", "when that node answers"},
		"isolation":               {"init container wait (CrashLoopBackOff); " + ReachesNothing, "networkIsolation: group"},
		"a gate":                  {WaitsForGate + "example.com/lb", "not in a sandbox"},
		"memory":                  {"container web " + WantOfMemory + "1Gi", "set the limit that it needs"},
		"a claim with a class":    {"claim data is missing; kymaros fence: " + HasClass, "default storage class"},
		"a limit":                 {"must be less than or equal to memory limit of 1Gi", "LimitRange"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Remedy("shop: Deployment/web: " + c.refusal); !strings.Contains(got, c.remedy) {
				t.Errorf("got %q, want %q", got, c.remedy)
			}
		})
	}
}

func TestARemedyIsSaidOnce(t *testing.T) {
	got := Remedies([]string{"shop: Pod/b: exceeded quota", "shop: Pod/a: " + NodeSilent + ": n", "shop: Pod/c: exceeded quota"})
	if want := Remedy("exceeded quota") + "; " + Remedy(NodeSilent); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Remedies(nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

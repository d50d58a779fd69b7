package integration

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestAPodOfASandboxJoinsNoOtherNetwork: network plugins take orders from annotations, that of Multus also from pods that run.
func TestAPodOfASandboxJoinsNoOtherNetwork(t *testing.T) {
	const box, by = "attack-network", "kymaros-pods"
	attackScene(t, attackSandbox(box, "attack-network-shop")+"\n---\n"+
		attackPod(box, "running", "{metadata: {annotations: {k8s.v1.cni.cncf.io/network-status: none}}}"))
	all := []row{
		{"a pod with an annotation of the application", replicas, creates(core("pods"), box, attackPod(box, "new", annotations("team: shop"))), "", false},
	}
	for _, key := range []string{
		"networking.gke.io/interfaces", "networking.gke.io/default-interface", "ipam.spidernet.io/ippool", "ipam.spidernet.io/ippools", "ipam.spidernet.io/subnet",
		"vlan10.attack.ovn.kubernetes.io/ip_address", "kubernetes.azure.com/pod-network", "k8s.amazonaws.com/eniConfig",
	} {
		all = append(all, row{"a pod with " + key, replicas, creates(core("pods"), box, attackPod(box, "new", annotations(key+": a"))), by, false})
	}
	attempts(t, all)

	pods := clientsOf(t, administrator).kube.CoreV1().Pods(box)
	patch := func(text string) error {
		_, err := pods.Patch(t.Context(), "running", types.MergePatchType, []byte(text), metav1.PatchOptions{})
		return err
	}
	for _, key := range []string{"k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network"} {
		refusedBy(t, "a running pod gets "+key, by, patch(`{"metadata":{"annotations":{"`+key+`":"production/vlan10"}}}`))
	}
	// What plugins write themselves, and labels.
	for _, text := range []string{
		`{"metadata":{"annotations":{"k8s.v1.cni.cncf.io/network-status":"[]","cni.projectcalico.org/podIP":"192.0.2.1/32","k8s.ovn.org/pod-networks":"{}"}}}`,
		`{"metadata":{"labels":{"a":"b"}}}`,
	} {
		if err := patch(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestNoPluginOpensASandbox: each network plugin has policies of its own, and they add up.
func TestNoPluginOpensASandbox(t *testing.T) {
	const box, prod, by = "attack-plugin", "attack-plugin-shop", "kymaros-guards"
	plugins := []struct{ group, version, kind, plural string }{
		{"networking.k8s.aws", "v1alpha1", "PolicyEndpoint", "policyendpoints"},
		{"cilium.io", "v2", "CiliumLocalRedirectPolicy", "ciliumlocalredirectpolicies"},
		{"k8s.ovn.org", "v1", "EgressService", "egressservices"},
	}
	text := attackNamespace(prod) + attackSandbox(box, prod)
	for _, p := range plugins {
		text += definition(p.group, p.version, p.kind, p.plural) +
			"\n---\n{apiVersion: " + p.group + "/" + p.version + ", kind: " + p.kind + ", metadata: {name: there, namespace: " + box + "}}\n"
	}
	attackScene(t, text)
	var all []row
	for _, p := range plugins {
		resource := at(p.group + "/" + p.version + "/" + p.plural)
		body := "{apiVersion: " + p.group + "/" + p.version + ", kind: " + p.kind + ", metadata: {name: open}, spec: {podSelector: {}}}"
		all = append(all,
			row{p.plural + " in a sandbox", administrator, creates(resource, box, body), by, false},
			row{p.plural + " of a sandbox changed", administrator, patches(resource, box+"/there", "{spec: {podSelector: {}}}"), by, false},
			row{p.plural + " in production", administrator, creates(resource, prod, body), "", false},
		)
	}
	attempts(t, all)
}

// TestAStolenTokenTellsOfTestsOnly: what events say is believed, by people and by autoscalers.
func TestAStolenTokenTellsOfTestsOnly(t *testing.T) {
	const prod, by = "attack-events", "kymaros-writes-own"
	attackScene(t, attackNamespace(prod)+"\n---\n{apiVersion: v1, kind: Event, metadata: {name: of-a-pod, namespace: "+prod+"}, "+
		"involvedObject: {apiVersion: v1, kind: Pod, namespace: "+prod+", name: db}, reason: Killing}\n")
	event := func(namespace, about string) attempt {
		return creates(core("events"), namespace, "{apiVersion: v1, kind: Event, metadata: {name: new}, reason: a, involvedObject: {"+about+", namespace: "+namespace+"}}")
	}
	attempts(t, []row{
		{"of a test", theController, event(prod, "apiVersion: restore.kymaros.io/v1alpha1, kind: RestoreTest, name: shop"), "", false},
		{"of a pod of production", theController, event(prod, "apiVersion: v1, kind: Pod, name: db"), by, false},
		{"of a Deployment", theController, event(prod, "apiVersion: apps/v1, kind: Deployment, name: db"), by, false},
		{"of a node", theController, creates(core("events"), "default", "{apiVersion: v1, kind: Event, metadata: {name: new}, reason: a, involvedObject: {apiVersion: v1, kind: Node, name: a}}"), by, false},
		{"of nothing", theController, event(prod, "name: shop"), by, false},
		{"of a pod, by a change of what the kubelet said", theController, patches(core("events"), prod+"/of-a-pod", "{reason: Started}"), by, false},
		{"of a pod that becomes a test", theController, patches(core("events"), prod+"/of-a-pod", "{involvedObject: {kind: RestoreTest}}"), by, false},
		{"of a pod, by an administrator", administrator, event(prod, "apiVersion: v1, kind: Pod, name: db"), "", false},
	})
}

package unschedulable

import "testing"

func TestWhatTheSchedulerSays(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		crowded string
		passing string
		noNode  bool
	}{
		"no node matches": {message: "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, " +
			"2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", noNode: true},
		"one that matches is short of memory": {message: "0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector. " +
			"preemption: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", crowded: "Insufficient memory"},
		"one is not ready": {message: "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
			passing: "had untolerated taint {node.kubernetes.io/not-ready: }"},
		"one is under pressure": {message: "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 2 node(s) didn't match Pod's node affinity/selector. " +
			"preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", passing: "had untolerated taint {node.kubernetes.io/disk-pressure: }"},
		"all are cordoned": {message: "0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
			passing: "were unschedulable"},
		"one is cordoned, the other full": {message: "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.", crowded: "Insufficient cpu", passing: "were unschedulable"},
		"one is about to go": {message: "0/2 nodes are available: 1 node(s) had untolerated taint {ToBeDeletedByClusterAutoscaler: 1779}, 1 node(s) had untolerated taint {karpenter.sh/disrupted: }.",
			passing: "had untolerated taint {ToBeDeletedByClusterAutoscaler: 1779}, had untolerated taint {karpenter.sh/disrupted: }"},
		"one has no network yet":  {message: "0/1 nodes are available: 1 node(s) had untolerated taint {node.cilium.io/agent-not-ready: }.", passing: "had untolerated taint {node.cilium.io/agent-not-ready: }"},
		"all are kept for others": {message: "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}."},
		"which taint is not told": {message: "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
			passing: "had untolerated taint(s)", noNode: true},
		"production has used up the volumes that nodes attach": {message: "0/2 nodes are available: 1 node(s) did not have enough free storage, 1 node(s) exceed max volume count.",
			crowded: "did not have enough free storage, exceed max volume count"},
		"production's pods are in the way": {message: "0/3 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules, 2 node(s) didn't match pod anti-affinity rules.",
			crowded: "didn't match pod anti-affinity rules, didn't satisfy existing pods anti-affinity rules"},
		"the nodes lack the label to be spread over": {message: "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)."},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			if crowded, passing, noNode := Crowded(c.message), Passing(c.message), NoNode(c.message); crowded != c.crowded || passing != c.passing || noNode != c.noNode {
				t.Errorf("crowded %q, passing %q, no node %t; want %q, %q, %t", crowded, passing, noNode, c.crowded, c.passing, c.noNode)
			}
		})
	}
}

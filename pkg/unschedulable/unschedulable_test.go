package unschedulable

import "testing"

func TestWhatTheSchedulerSays(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		crowded string
		noNode  bool
	}{
		"no node matches": {message: "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, " +
			"2 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.", noNode: true},
		"one that matches is short of memory": {message: "0/2 nodes are available: 1 Insufficient memory, 1 node(s) didn't match Pod's node affinity/selector. " +
			"preemption: 0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.", crowded: "Insufficient memory"},
		"one is not ready": {message: "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }."},
		"production's pods are in the way": {message: "0/3 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules, 2 node(s) didn't match pod anti-affinity rules.",
			crowded: "didn't match pod anti-affinity rules, didn't satisfy existing pods anti-affinity rules"},
		"the nodes lack the label to be spread over": {message: "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label)."},
		"nothing": {},
	} {
		t.Run(name, func(t *testing.T) {
			if crowded, noNode := Crowded(c.message), NoNode(c.message); crowded != c.crowded || noNode != c.noNode {
				t.Errorf("crowded %q, no node %t; want %q, %t", crowded, noNode, c.crowded, c.noNode)
			}
		})
	}
}

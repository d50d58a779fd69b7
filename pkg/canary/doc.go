// Package canary finds out whether a network plugin enforces NetworkPolicies. Pods say what they found by being ready or not,
// and those that dial need no access to the API server.
//
// There are three roles, each with a pod on every node:
//
//   - target listens, in a namespace of its own: a policy may tell namespaces apart, and a sandbox must reach none.
//   - fenced listens and dials targets, under a policy that is that of sandboxes. It is ready while nothing gets through in
//     either direction.
//   - control dials the same targets without a policy, so that a dead network is not taken for isolation, and fenced pods, from
//     outside in. It is ready while the targets answer and the fenced pods do not.
//
// Both dial the target of their node, those of up to three others, and the Service of all, in each IP family that pods have addresses
// of. Package guide, one pod, writes down where all that is, and the kubelet mounts it. A pod that does not get to know it ends, and
// so begins anew: it never says anything by what it did not dial.
//
// A leak makes the fenced pod unready by what it sees itself: an answer, or the greeting of a control pod. A pod says by its
// startup probe that a round of dials is complete, so started and not ready is a finding, and not a pod that begins.
//
// Two more roles are for new pods, whose traffic some plugins let pass until their policy is in force. birth, an init container of
// fenced pods, measures that moment; gate, one of pods in sandboxes where manifests/newborn is installed, waits until it is over.
package canary

// Package canary finds out whether a network plugin enforces NetworkPolicies. It needs no access to the API server: pods
// find each other by the addresses of Services that the kubelet puts into their environment, and say what they found by
// being ready or not.
//
// There are three roles, each with a pod on every node, all in one namespace, for the kubelet tells a pod of the Services of
// its own namespace only:
//
//   - target listens.
//   - fenced listens and dials targets, under a policy that is that of sandboxes. It is ready while nothing gets through in
//     either direction.
//   - control dials the same targets without a policy, so that a dead network is not taken for isolation, and the fenced pod
//     of its node. It is ready while the targets answer and the fenced pod does not.
//
// A leak makes the fenced pod unready by what it sees itself: an answer, or the greeting of the control pod. A pod says by its
// startup probe that a round of dials is complete, so started and not ready is a finding, and not a pod that begins.
package canary

// Package stage sets up what end-to-end tests and measurements play on: a cluster of test/cluster with Velero,
// the controller as it is built from this tree, applications to back up, and runs of RestoreTests.
package stage

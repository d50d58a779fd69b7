// Package manifests holds those of the manifests that a program compares the cluster with.
package manifests

import _ "embed"

// Fence is fence.yaml as it is shipped.
//
//go:embed fence.yaml
var Fence []byte

//go:build tools

// Package tools keeps in go.mod what the harness builds from this module (build/programs.go).
package tools

import (
	_ "github.com/vmware-tanzu/velero/pkg/cmd/velero"
)

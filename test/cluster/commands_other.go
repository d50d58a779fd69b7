//go:build !linux

package main

import (
	"context"
	"errors"
)

func init() {
	for _, name := range []string{"up", "down", "env", "image", "netpol", "program", "node", "netns"} {
		commands[name] = func(context.Context, []string) error {
			return errors.New(name + ": a cluster with a node needs Linux and root; integration tests need only control-plane, which does not")
		}
	}
}

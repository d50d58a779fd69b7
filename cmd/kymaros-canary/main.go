// kymaros-canary finds out whether the network plugin enforces NetworkPolicies, and says so by being ready or not.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/kymaros-canary/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Main(ctx, os.Args[1:], os.Stdout)
	stop()
	klog.Flush()
	if err != nil {
		klog.Background().Error(err, "kymaros-canary ends")
		os.Exit(1)
	}
}

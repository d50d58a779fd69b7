// kymaros-archive writes every report once to where it outlives the cluster.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/kymaros-archive/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Main(ctx, os.Args[1:], os.Stdout)
	stop()
	klog.Flush()
	if err != nil {
		klog.Background().Error(err, "kymaros-archive ends")
		os.Exit(1)
	}
}

// kymaros-api tells over HTTP what restore tests and reports there are, to callers who may see them, and passes on what they change.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/kymaros-api/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Main(ctx, os.Args[1:], os.Stdout)
	stop()
	klog.Flush()
	if err != nil {
		klog.Background().Error(err, "kymaros-api ends")
		os.Exit(1)
	}
}

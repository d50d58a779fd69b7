// kymaros-controller restores backups into sandboxes, on schedule, and reports whether the application works.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // the image has no time zones

	"k8s.io/klog/v2"

	"github.com/kymaros/kymaros/cmd/kymaros-controller/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Main(ctx, os.Args[1:], os.Stdout)
	stop()
	klog.Flush()
	if err != nil {
		klog.Background().Error(err, "kymaros-controller ends")
		os.Exit(1)
	}
}

// Package process is what the programs do alike: read flags, log, reach the API server, lead, tell how they are, end.
package process

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/klog/v2"
)

// Main runs a program with the arguments of this process until it ends, or is told to: run's context ends then. An error is logged, and
// the process ends with 1.
func Main(name string, run func(ctx context.Context, args []string, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	klog.Flush()
	if err != nil {
		klog.Background().Error(err, name+" ends")
		os.Exit(1)
	}
}

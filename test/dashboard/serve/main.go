// Command serve shows the dashboard of a company on loopback, until it is interrupted: go run ./test/dashboard/serve.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/kymaros/kymaros/test/dashboard"
)

func main() {
	address := flag.String("address", "127.0.0.1:8080", "where to serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *address); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address string) error {
	stage, err := dashboard.NewStage(ctx, ".", address)
	if err != nil {
		return err
	}
	fmt.Printf("dashboard %s\n", stage.Address)
	for _, name := range []string{"oncall", "payer", "stranger", "surveyor"} {
		token, err := stage.Token(ctx, "default", name)
		if err != nil {
			return err
		}
		fmt.Printf("%s %s\n", name, token)
	}
	token, err := stage.Token(ctx, "default", "auditor", "kymaros-api")
	if err != nil {
		return err
	}
	fmt.Printf("auditor %s\n", token)
	<-ctx.Done()
	return stage.Stop()
}

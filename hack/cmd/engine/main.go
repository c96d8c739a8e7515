// Command engine gives out a Docker engine that can run privileged containers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"podproof.dev/hack/internal/engine"
)

const usage = `usage: hack/engine ensure          print the DOCKER_HOST to use; empty: the ordinary engine will do
       hack/engine status          say which engine is used and why
       hack/engine stop [--purge]  end the private engine; --purge deletes its images too`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	err := run(ctx, os.Args[1:])
	switch {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "hack/engine: interrupted")
		os.Exit(130)
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "hack/engine:", err)
		os.Exit(3)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, args []string) error {
	switch {
	case slices.Equal(args, []string{"ensure"}):
		host, err := engine.Ensure(ctx, os.Stderr)
		if err == nil {
			fmt.Println(host)
		}
		return err
	case slices.Equal(args, []string{"status"}):
		return engine.Status(ctx, os.Stdout)
	case slices.Equal(args, []string{"stop"}):
		return engine.Stop(ctx, os.Stderr, false)
	case slices.Equal(args, []string{"stop", "--purge"}):
		return engine.Stop(ctx, os.Stderr, true)
	}
	return errUsage
}

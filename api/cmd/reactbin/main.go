// Command reactbin is a bin of reaction images.
//
//	reactbin [serve]      serve the API until SIGTERM
//	reactbin healthcheck  exit 0 when the service on this host is healthy
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"podproof.dev/reactbin/internal/healthcheck"
	"podproof.dev/reactbin/internal/settings"
)

func main() {
	// SIGTERM again while shutting down changes nothing; Ctrl-C again ends at once.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) })
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the process's exit code. Logs go to stdout, answers to a person to stderr.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) int {
	command := "serve"
	if len(args) > 0 {
		command = args[0]
	}
	switch {
	case len(args) > 1:
		command = fmt.Sprint(args)
	case command == "serve":
		return serve(ctx, env, stdout)
	case command == "healthcheck":
		port, err := settings.Port(env)
		if err == nil {
			err = healthcheck.Run(ctx, port)
		}
		if err != nil {
			fmt.Fprintln(stderr, "unhealthy:", err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, "reactbin: unknown command %q\nusage: reactbin [serve|healthcheck]\n", command)
	return 2
}

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
	"strings"
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

// run returns the process's exit code.
func run(ctx context.Context, args []string, env func(string) (string, bool), stdout, stderr io.Writer) int {
	switch command := strings.Join(args, " "); command {
	case "", "serve":
		if serve(ctx, env, stdout) != nil { // which has logged it
			return 1
		}
		return 0
	case "healthcheck":
		if err := checkHealth(ctx, env); err != nil {
			_, _ = fmt.Fprintln(stderr, "unhealthy:", err)
			return 1
		}
		return 0
	default:
		_, _ = fmt.Fprintf(stderr, "reactbin: unknown command %q\nusage: reactbin [serve|healthcheck]\n", command)
		return 2
	}
}

func checkHealth(ctx context.Context, env func(string) (string, bool)) error {
	port, err := settings.Port(env)
	if err != nil {
		return err
	}
	return healthcheck.Run(ctx, port)
}

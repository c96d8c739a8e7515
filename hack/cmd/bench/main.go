// Command bench times podproof beside programs that do the same work, in one run, and prints a
// Markdown table. See hack/bench/README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	err := run(ctx, os.Args[1:])
	var wrong wrong
	switch {
	case err == nil:
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "hack/bench:", err)
		os.Exit(3)
	}
}

// wrong is a mistake in how it was called.
type wrong struct{ error }

func run(ctx context.Context, args []string) error {
	// Images are made, and unpacked, in processes of their own: what this one needs of memory
	// would count as its children's.
	if len(args) == 3 && args[0] == "make" {
		return makeImage(args[1], args[2])
	}
	if len(args) == 3 && args[0] == "unpack" {
		return unpack(args[1], args[2])
	}
	if len(args) > 0 {
		switch args[0] {
		case "many":
			return runMany(ctx, args[1:])
		case "verify":
			return runVerify(ctx, args[1:])
		}
	}
	return runInspect(ctx, args)
}

// Command images gets the images that a run needs into the engine: official ones or stand-ins.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"podproof.dev/hack/internal/images"
	"podproof.dev/hack/internal/progress"
)

const usage = `usage: hack/images ensure [NAME…]  get these images into the engine, or all of them
       hack/images env [NAME…]     the same, then print 'export VARIABLE=value' lines for eval
       hack/images prune           delete stand-ins, and what they were built from, of older versions
names: go, static, python, python-dev, postgres, node
PODPROOF_IMAGES=auto|pull|build: official images where they can be had (auto), only those, or only stand-ins`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer cancel()
	log := progress.New(os.Stderr, "[images]")
	err := run(ctx, log, os.Args[1:])
	log.Close()
	switch {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "[images] Interrupted. What was finished is kept; the next run goes on from there.")
		os.Exit(130)
	case errors.As(err, new(wrong)):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "hack/images:", err)
		os.Exit(3)
	}
}

// wrong is a mistake in how it was called.
type wrong struct{ error }

var errUsage = wrong{errors.New(usage)}

func run(ctx context.Context, log *progress.Log, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	mode, err := images.ParseMode(os.Getenv("PODPROOF_IMAGES"))
	if err != nil {
		return wrong{err}
	}
	hack := os.Getenv("PODPROOF_HACK")
	given := os.Getenv("DOCKER_HOST") != ""
	switch args[0] {
	case "ensure":
		result, err := images.Ensure(ctx, log, os.Stderr, hack, mode, args[1:])
		if err == nil {
			fmt.Println(strings.Join(result.Lines(), "\n"))
		}
		return err
	case "env":
		result, err := images.Ensure(ctx, log, os.Stderr, hack, mode, args[1:])
		if err != nil {
			return err
		}
		for _, variable := range result.Variables(!given) {
			name, value, _ := strings.Cut(variable, "=")
			fmt.Printf("export %s=%s\n", name, quote(value))
		}
		return nil
	case "prune":
		if len(args) == 1 {
			return images.Prune(ctx, log, os.Stderr, hack)
		}
	}
	return errUsage
}

// quote makes one word of a value for a POSIX shell.
func quote(value string) string { return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'" }

// Command podproof proves, in a real Kubernetes, that an image keeps the promises that
// production relies on.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// The exit codes, which are part of the interface.
const (
	exitPass         = 0
	exitFail         = 1 // a promise is broken
	exitUsage        = 2 // usage, contract or manifests are wrong
	exitInconclusive = 3 // could not check
	exitInterrupted  = 130
)

// errInterrupted is the cause of a context that Ctrl-C ended.
var errInterrupted = errors.New("interrupted")

func main() {
	// client-go reports lost watches and the like on its own; what matters reaches us as errors.
	klog.SetLogger(logr.Discard())
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := interruptible()
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exitError
	switch {
	case err == nil:
		return exitPass
	case errors.Is(err, errInterrupted):
		fmt.Fprintln(os.Stderr, "podproof: interrupted; what this run had created is removed")
		return exitInterrupted
	case errors.As(err, &code):
		if code.err != nil {
			fmt.Fprintln(os.Stderr, "podproof:", code.err)
		}
		return code.code
	}
	// What is left are cobra's own errors: unknown commands and flags.
	fmt.Fprintf(os.Stderr, "podproof: %v\nRun `podproof --help` for usage.\n", err)
	return exitUsage
}

// interruptible ends its context at the first SIGINT or SIGTERM, so that what was created
// is removed, and the process at the second.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	// A reader that went away (`| head`) must not end us before what was created is removed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case <-signals:
				if !first {
					fmt.Fprintln(os.Stderr, "\npodproof: ended without cleaning up; the next run, or `podproof clean`, removes what is left")
					os.Exit(exitInterrupted)
				}
				cancel(errInterrupted)
			case <-done:
				return
			}
		}
	}()
	return ctx, sync.OnceFunc(func() { signal.Stop(signals); close(done); cancel(nil) })
}

// exitError carries an exit code. Its err is nil when all has been said already.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

func usage(err error) error { return exitError{exitUsage, err} }

func couldNot(err error) error { return exitError{exitInconclusive, err} }

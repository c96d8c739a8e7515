// Command podproof proves, in a real Kubernetes, that an image keeps the promises that
// production relies on.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/go-logr/logr"
	// An image of podproof alone has no certificates; where a system has its own, these are not used.
	_ "golang.org/x/crypto/x509roots/fallback"
	"k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"

	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
)

// The exit codes, which are part of the interface.
const (
	exitPass         = 0
	exitFail         = 1 // a promise is broken
	exitUsage        = 2 // usage, contract or manifests are wrong
	exitInconclusive = 3 // could not check
	exitInterrupted  = 130
)

func main() {
	// client-go reports lost watches and the like on its own; what matters reaches us as errors.
	klog.SetLogger(logr.Discard())
	surviveHandlers()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	ctx, stop := interruptible()
	defer stop()
	return exitCode(execute(ctx, newRoot(), args), os.Stderr)
}

// exitCode tells an error, and turns it into the exit code. The error may quote what an image
// or its build says.
func exitCode(err error, w io.Writer) int {
	var code exitError
	var stopped *pipeline.Stopped
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &code):
		if code.err != nil {
			fmt.Fprintln(w, "podproof:", report.Clean(code.err.Error()))
		}
		return code.code
	case errors.As(err, &stopped):
		fmt.Fprintf(w, "podproof: %v; what this run had created is removed\n", stopped)
		return exitInterrupted
	}
	fmt.Fprintln(w, "podproof:", report.Clean(err.Error()))
	return exitUsage
}

// surviveHandlers keeps a panic in one of client-go's own goroutines, such as a watch's
// handler, from ending the process with all that it has created still there.
func surviveHandlers() {
	runtime.ReallyCrash = false
	runtime.PanicHandlers = append(runtime.PanicHandlers, func(_ context.Context, p any) {
		fmt.Fprintln(os.Stderr, "podproof: podproof crashed in a watch, which is a bug; please report it:", report.Clean(fmt.Sprint(p)))
	})
}

// endings are the signals that end a run. One that was ignored when podproof was started, as
// nohup does it with SIGHUP, stays ignored.
func endings() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	return slices.DeleteFunc(all, signal.Ignored)
}

// interruptible ends its context at the first SIGINT or SIGTERM, so that what was seen is told
// and what was created is removed, and the process at the second.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	if wanted := endings(); len(wanted) > 0 { // to name none would mean all of them
		signal.Notify(signals, wanted...)
	}
	// A reader that went away (`| head`) must not end us before what was created is removed.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		for first := true; ; first = false {
			select {
			case s := <-signals:
				if !first {
					fmt.Fprintln(os.Stderr, "\npodproof: ended without cleaning up; the next run, or `podproof clean`, removes what is left")
					os.Exit(exitInterrupted)
				}
				cancel(&pipeline.Stopped{By: signalNames[s]})
			case <-done:
				return
			}
		}
	}()
	return ctx, sync.OnceFunc(func() { signal.Stop(signals); close(done); cancel(nil) })
}

// signalNames are those that a person knows.
var signalNames = map[os.Signal]string{os.Interrupt: "Ctrl-C", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP"}

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

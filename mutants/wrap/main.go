// Command wrap starts a program as a careless entrypoint does. It is PID 1 of the mutants
// that misbehave around the program rather than in it.
//
//	wrap [-default NAME=VALUE] [-exit CODE] PROGRAM ARG…
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	fallback := flag.String("default", "", "a variable `NAME=VALUE` for the program, where the environment does not set NAME")
	exit := flag.Int("exit", 0, "the exit `code` where the program's own is 0")
	flag.Parse()

	program := exec.Command(flag.Arg(0), flag.Args()[1:]...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	program.Env = os.Environ()
	if name, _, ok := strings.Cut(*fallback, "="); ok && os.Getenv(name) == "" {
		program.Env = append(program.Env, *fallback)
	}

	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "wrap:", err)
		os.Exit(127)
	}
	go func() {
		for s := range terminated {
			_ = program.Process.Signal(s) // an error means that it has ended
		}
	}()
	_ = program.Wait() // the exit code tells how it ended
	if code := program.ProcessState.ExitCode(); code != 0 {
		os.Exit(code)
	}
	os.Exit(*exit)
}

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

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit code.
func run(args []string) int {
	flags := flag.NewFlagSet("wrap", flag.ExitOnError)
	fallback := flags.String("default", "", "a variable `NAME=VALUE` for the program, where the environment does not set NAME")
	exit := flags.Int("exit", 0, "the exit `code` where the program's own is 0")
	_ = flags.Parse(args) // ExitOnError

	program := exec.Command(flags.Arg(0), flags.Args()[1:]...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	program.Env = os.Environ()
	if name, _, ok := strings.Cut(*fallback, "="); ok && os.Getenv(name) == "" {
		program.Env = append(program.Env, *fallback)
	}

	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	defer signal.Stop(terminated)
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "wrap:", err)
		return 127
	}
	go func() {
		for s := range terminated {
			_ = program.Process.Signal(s) // an error means that it has ended
		}
	}()
	_ = program.Wait() // the exit code tells how it ended
	if code := program.ProcessState.ExitCode(); code != 0 {
		return code
	}
	return *exit
}

// Command wrap starts a program as a careless entrypoint does. It is PID 1 of the mutants
// that misbehave around the program rather than in it.
//
//	wrap [-default NAME=VALUE] [-tunnel ADDRESS=TARGET] [-front ADDRESS=TARGET] [-insist PATH] [-clients]
//	     [-late TIME] [-deaf TIME] [-drop | -linger TIME | -farewell ADDRESS] [-exit CODE] PROGRAM ARG…
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:])) }

// run returns the exit code.
func run(args []string) int {
	flags := flag.NewFlagSet("wrap", flag.ExitOnError)
	fallback := flags.String("default", "", "a variable `NAME=VALUE` for the program, where the environment does not set NAME")
	tunneled := flags.String("tunnel", "", "pass connections to `ADDRESS=TARGET` on, until one breaks")
	fronted := flags.String("front", "", "serve at `ADDRESS=TARGET` what the program does at the target, and 503 after SIGTERM")
	clients := flags.Bool("clients", false, "with -front, on SIGTERM stop listening and wait until the clients have closed their connections")
	insisted := flags.String("insist", "", "with -front, ask for `PATH` until the program gives an answer that is no error")
	late := flags.Duration("late", 0, "start the program after this `time`")
	deaf := flags.Duration("deaf", 0, "take no SIGTERM for this `time` after the start")
	dropped := flags.Bool("drop", false, "on SIGTERM kill the program at once")
	linger := flags.Duration("linger", 0, "on SIGTERM let the program go on for this `time`, then kill it")
	host := flags.String("farewell", "", "on SIGTERM first ask the Postgres at `address`, and wait for its answer")
	exit := flags.Int("exit", 0, "the exit `code` where the program's own is 0")
	_ = flags.Parse(args) // ExitOnError

	program := exec.Command(flags.Arg(0), flags.Args()[1:]...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	program.Env = os.Environ()
	if name, _, ok := strings.Cut(*fallback, "="); ok && os.Getenv(name) == "" {
		program.Env = append(program.Env, *fallback)
	}
	if address, target, ok := strings.Cut(*tunneled, "="); ok {
		if err := tunnel(address, target); err != nil {
			fmt.Fprintln(os.Stderr, "wrap:", err)
			return 1
		}
	}

	closePool := func() {}
	if address, target, ok := strings.Cut(*fronted, "="); ok {
		var err error
		if closePool, err = front(address, target, *insisted, *clients); err != nil {
			fmt.Fprintln(os.Stderr, "wrap:", err)
			return 1
		}
	}

	kills, end := *dropped || *linger > 0, passOn
	switch {
	case kills:
		end = killAfter(*linger)
	case *host != "":
		end = farewell(*host)
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	defer signal.Stop(terminated)
	began := time.Now()
	select {
	case <-time.After(*late):
	case <-terminated:
		return 0
	}
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "wrap:", err)
		return 127
	}
	go func() {
		for range terminated {
			if time.Since(began) >= *deaf {
				closePool()
				end(program.Process)
			}
		}
	}()
	_ = program.Wait() // the exit code tells how it ended
	if code := program.ProcessState.ExitCode(); code != 0 && !(kills && code < 0) {
		return code
	}
	return *exit
}

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const usageMany = `usage: hack/bench/run many [-n RUNS] [-contracts N] [-f FILE,…] [-parallel N,…] [-only IDS] [-podproof FILE]
Times podproof verify with one contract and with several, each time in a fresh kind cluster, and prints a table.
The contracts are those of -f, from the repository's root, again and again; -parallel 0 is podproof's own choice`

// several is what is measured of several contracts beside one.
type several struct {
	podproof, dir string
	files         []string // from the repository's root
	parallel      []string
	contracts     int
	runs          int
	only          string
	settle        func(context.Context) error // waits for a quiet machine
}

func runMany(ctx context.Context, args []string) error {
	root := filepath.Join(os.Getenv("PODPROOF_HACK"), "..")
	flags := flag.NewFlagSet("many", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usageMany) }
	s := several{settle: settle}
	flags.IntVar(&s.runs, "n", 5, "")
	flags.IntVar(&s.contracts, "contracts", 8, "")
	flags.StringVar(&s.only, "only", "", "")
	files := flags.String("f", "podproof.yaml,examples/fastapi/podproof.yaml", "")
	parallel := flags.String("parallel", "0", "")
	podproof := flags.String("podproof", filepath.Join(root, "bin", "podproof"), "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || s.runs < 1 || s.contracts < 2 {
		return wrong{errors.New(usageMany)}
	}
	s.files, s.parallel = strings.Split(*files, ","), strings.Split(*parallel, ",")
	var err error
	if s.podproof, err = filepath.Abs(*podproof); err != nil {
		return err
	}
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp("", "podproof-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(s.dir) }()
	rows, err := s.measure(ctx, root)
	if err != nil {
		return err
	}
	s.table(os.Stdout, rows)
	return nil
}

// copies are contracts that podproof takes for different ones: the repository by another name for each.
func (s several) copies(root string) (out []string, err error) {
	for i := range s.contracts {
		name := filepath.Join(s.dir, strconv.Itoa(i+1))
		if err := os.Symlink(root, name); err != nil {
			return nil, err
		}
		out = append(out, filepath.Join(name, s.files[i%len(s.files)]))
	}
	return out, nil
}

// measure times each contract by itself, and then all of them.
func (s several) measure(ctx context.Context, root string) (rows []row, err error) {
	contracts, err := s.copies(root)
	if err != nil {
		return nil, err
	}
	for i := range min(len(s.files), len(contracts)) {
		r, err := s.time(ctx, "1 contract ("+s.files[i]+")", contracts[i:i+1])
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	for _, p := range s.parallel {
		name, more := fmt.Sprintf("%d contracts", s.contracts), []string(nil)
		if p != "0" {
			name, more = name+", --parallel "+p, []string{"--parallel", p}
		}
		r, err := s.time(ctx, name, contracts, more...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// time verifies contracts again and again, once without being counted: images are built then.
func (s several) time(ctx context.Context, name string, contracts []string, more ...string) (row, error) {
	out := row{name: name}
	args := append([]string{"verify"}, more...)
	for _, c := range contracts {
		args = append(args, "-f", c)
	}
	if s.only != "" {
		args = append(args, "--only", s.only)
	}
	if err := s.settle(ctx); err != nil {
		return out, err
	}
	undecided := 0
	var began time.Time
	var busy, own float64
	for i := range s.runs + 1 {
		if i == 1 {
			began, busy, undecided = time.Now(), busySeconds(), 0
		}
		one, used, code, err := s.once(ctx, args)
		if err != nil {
			return out, err
		}
		if code != 0 {
			undecided++
		}
		if i > 0 {
			out.runs, own = append(out.runs, one), own+used
		}
	}
	// What the cluster did for it is among the others' CPU: its processes are the engine's.
	out.others = max(0, busySeconds()-busy-own) / (time.Since(began).Seconds() * float64(runtime.NumCPU()))
	if undecided > 0 {
		out.name += fmt.Sprintf(", of which %d runs were inconclusive", undecided)
	}
	fmt.Fprintln(os.Stderr, "[bench]", out.line(median(out.runs)))
	return out, nil
}

// once verifies. The contracts keep their promises: an image that fails would be none to measure.
func (s several) once(ctx context.Context, args []string) (one once, used float64, code int, err error) {
	cmd := exec.CommandContext(ctx, s.podproof, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it removes its cluster
	cmd.Dir = s.dir
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err = cmd.Run()
	one.seconds = time.Since(began).Seconds()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 3 {
		code, err = 3, nil
	}
	if err != nil {
		return one, 0, code, fmt.Errorf("podproof %s: %w:\n%s", strings.Join(args, " "), err, said.String())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return one, 0, code, errors.New("this system has no getrusage")
	}
	one.rss = usage.Maxrss << 10
	return one, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), code, nil
}

// table prints the rows, with their ratios to one contract: the mean of those that were measured.
func (s several) table(w io.Writer, rows []row) {
	singles := min(len(s.files), s.contracts)
	one := 0.0
	for _, r := range rows[:singles] {
		one += median(r.runs) / float64(singles)
	}
	_, _ = fmt.Fprintf(w, "%s, %d cores\n\n", processor(), runtime.NumCPU())
	_, _ = fmt.Fprintln(w, "| work, in a fresh kind cluster | median | least to most | runs | peak RSS | to one contract | CPU of the cluster and of others |\n|---|---:|---:|---:|---:|---:|---:|")
	for _, r := range rows {
		_, _ = fmt.Fprintln(w, r.line(one))
	}
}

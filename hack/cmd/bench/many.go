package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const usageMany = `usage: hack/bench/run many [-n RUNS] [-contracts N] [-f FILE,…] [-parallel N,…] [-only IDS] [-podproof FILE] [-v]
Times podproof verify with one contract and with several, each time in a fresh kind cluster, and prints a table.
The contracts are those of -f, from the repository's root, again and again; -parallel 0 is podproof's own choice`

// several is what is measured of several contracts beside one.
type several struct {
	bench
	files     []string // from the repository's root
	parallel  []string
	contracts int
	only      string
}

// references are the contracts of this repository, which stand for those of several services.
const references = "podproof.yaml,examples/fastapi/podproof.yaml"

func runMany(ctx context.Context, args []string) (err error) {
	var s several
	flags := s.flags(5)
	flags.IntVar(&s.contracts, "contracts", 8, "")
	flags.StringVar(&s.only, "only", "", "")
	files := flags.String("f", references, "")
	parallel := flags.String("parallel", "0", "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || s.runs < 1 || s.contracts < 2 {
		return wrong{errors.New(usageMany)}
	}
	s.files, s.parallel = strings.Split(*files, ","), strings.Split(*parallel, ",")
	if err := s.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(s.clean)) }()
	tasks, err := s.tasks()
	if err != nil {
		return err
	}
	rows, err := turns{n: s.runs, settle: settle}.measure(ctx, s.bench, tasks...)
	if err != nil {
		return err
	}
	s.table(os.Stdout, rows)
	return nil
}

// copies are contracts that podproof takes for different ones: the repository by another name for each.
func (b bench) copies(files []string, contracts int) (out []string, err error) {
	for i := range contracts {
		name := filepath.Join(b.dir, strconv.Itoa(i+1))
		if err := os.Symlink(b.root, name); err != nil {
			return nil, err
		}
		out = append(out, filepath.Join(name, files[i%len(files)]))
	}
	return out, nil
}

// tasks are each contract by itself, and then all of them.
func (s several) tasks() (tasks []task, err error) {
	contracts, err := s.copies(s.files, s.contracts)
	if err != nil {
		return nil, err
	}
	var only []string
	if s.only != "" {
		only = []string{"--only", s.only}
	}
	for i := range s.singles() {
		tasks = append(tasks, s.verify("1 contract ("+s.files[i]+")", contracts[i:i+1], only...))
	}
	for _, p := range s.parallel {
		name, flags := fmt.Sprintf("%d contracts", s.contracts), only
		if p != "0" {
			name, flags = name+", --parallel "+p, append([]string{"--parallel", p}, only...)
		}
		tasks = append(tasks, s.verify(name, contracts, flags...))
	}
	return tasks, nil
}

// singles is how many contracts are measured by themselves.
func (s several) singles() int { return min(len(s.files), s.contracts) }

// table prints the rows, with their ratios to one contract: the mean of those that were measured.
func (s several) table(w io.Writer, rows []row) {
	one := 0.0
	for _, r := range rows[:s.singles()] {
		one += median(r.runs) / float64(s.singles())
	}
	_, _ = fmt.Fprintf(w, "%s, %d cores\n\n", processor(), runtime.NumCPU())
	head(w, "work, in a fresh kind cluster", []string{"to one contract"}, clusterToo)
	for _, r := range rows {
		_, _ = fmt.Fprintln(w, r.line(one))
	}
}

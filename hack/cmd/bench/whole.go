package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

const usageVerify = `usage: hack/bench/run verify [-n RUNS] [-script FILE] [-many-n RUNS] [-contracts N] [-podproof FILE] [-v]
Times whole runs of podproof verify beside kind create cluster and a script, in turn, and prints a table.
-script is a program that verifies the same by hand, with docker, kind and kubectl (see hack/bench/README.md);
-many-n is how often several contracts are verified, 0 for never; -v prints each command and what it says`

// whole is what is measured of whole runs.
type whole struct {
	peers
	contracts, manyRuns int
	settle              func(context.Context) error
}

func runVerify(ctx context.Context, args []string) (err error) {
	w := whole{settle: settle}
	flags := w.flags(5)
	flags.StringVar(&w.script, "script", "", "")
	flags.IntVar(&w.manyRuns, "many-n", 3, "")
	flags.IntVar(&w.contracts, "contracts", 8, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || w.runs < 1 || w.manyRuns < 0 || w.contracts < 2 {
		return wrong{errors.New(usageVerify)}
	}
	if w.script != "" {
		if w.script, err = executable(w.script); err != nil {
			return wrong{err}
		}
	}
	if err := w.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close(w.clean, w.remove)) }()
	if err := w.prepare(ctx); err != nil {
		return err
	}
	rows, err := w.measure(ctx)
	if len(rows) > 0 {
		w.table(os.Stdout, rows)
	}
	return err
}

// byHand are the checks that such a script makes.
const byHand = "build/succeeds,startup/ready,startup/logs,health/answers,termination/exit-zero,config/missing-env-fails," +
	"identity/non-root,image/no-dev-dependencies,image/no-secrets-in-history,build/dependency-layer-cached"

// measure returns the rows that have runs, also where one failed later.
func (w whole) measure(ctx context.Context) (rows []row, err error) {
	own := []string{filepath.Join(w.root, "podproof.yaml")}
	some := fmt.Sprintf("**podproof verify**, %d checks", strings.Count(byHand, ",")+1)
	const all, fresh, warm = "**podproof verify**, all checks", ", fresh cluster", ", `--cluster warm`"
	tasks := append(w.tasks(),
		w.verify(some+fresh, own, "--only", byHand),
		w.verify(some+warm, own, "--cluster", "warm", "--only", byHand),
		w.verify(all+fresh, own),
		w.verify(all+warm, own, "--cluster", "warm"),
	)
	rows, err = turns{n: w.runs, settle: w.settle}.measure(ctx, w.bench, tasks...)
	if err == nil && w.manyRuns > 0 {
		var contracts []string
		if contracts, err = w.copies(strings.Split(references, ","), w.contracts); err != nil {
			return rows, err
		}
		var many []row
		many, err = turns{n: w.manyRuns, settle: w.settle}.measure(ctx, w.bench, w.verify(fmt.Sprintf("%s of %d contracts%s", all, w.contracts, fresh), contracts))
		rows = append(rows, many...)
	}
	return slices.DeleteFunc(rows, func(r row) bool { return len(r.runs) == 0 }), err
}

// table prints the rows, of which the peers' come first, with their ratios to each of those.
func (w whole) table(out io.Writer, rows []row) {
	titles := []string{"to kind alone", "to the script", "to the script, cluster up"}
	var to []float64
	for _, r := range rows[:min(len(w.tasks()), len(rows))] {
		to = append(to, median(r.runs))
	}
	_, _ = fmt.Fprintf(out, "%s, %d cores\n\n", processor(), runtime.NumCPU())
	head(out, "run", titles[:len(to)], clusterToo, "record")
	for _, r := range rows {
		_, _ = fmt.Fprintln(out, r.line(to...), r.recordCell())
	}
}

// recordCell is the size of the largest record.
func (r row) recordCell() string {
	largest := int64(0)
	for _, one := range r.runs {
		largest = max(largest, one.record)
	}
	if largest == 0 {
		return "– |"
	}
	return fmt.Sprintf("%.2f MB |", float64(largest)/1e6)
}

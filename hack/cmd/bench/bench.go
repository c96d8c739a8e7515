package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// bench is what all that is measured shares.
type bench struct {
	root     string // of the repository
	dir      string // of this run
	podproof string
	runs     int
	docker   bool
	verbose  bool
}

// hack is the folder of this module.
func hack() string { return os.Getenv("PODPROOF_HACK") }

// flags are those of each command, which runs so often unless told otherwise.
func (b *bench) flags(runs int) *flag.FlagSet {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Usage = func() {} // the error says it
	flags.IntVar(&b.runs, "n", runs, "")
	flags.StringVar(&b.podproof, "podproof", "", "")
	flags.BoolVar(&b.verbose, "v", false, "")
	return flags
}

// open makes the run's folder.
func (b *bench) open() (err error) {
	if b.root, err = filepath.Abs(filepath.Join(hack(), "..")); err != nil {
		return err
	}
	if b.podproof == "" {
		b.podproof = filepath.Join(b.root, "bin", "podproof")
	}
	if b.podproof, err = filepath.Abs(b.podproof); err != nil {
		return err
	}
	if _, err := os.Stat(b.podproof); err != nil {
		return fmt.Errorf("%w; `make build` makes it", err)
	}
	b.dir, err = os.MkdirTemp("", "podproof-bench-")
	return err
}

// close removes what was made, and then the run's folder, which says what that is.
func (b bench) close(made ...func(context.Context) error) error {
	var errs []error
	for _, remove := range made {
		errs = append(errs, removing(context.Background(), remove))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("not all that was made is removed, and so %s stays, too: %w", b.dir, err)
	}
	return os.RemoveAll(b.dir)
}

// clean removes what podproof keeps between runs, such as a warm cluster.
func (b bench) clean(ctx context.Context) error {
	_, err := b.do(ctx, b.program(b.podproof, "clean"))
	return err
}

// program runs in the run's folder, where no contract of somebody's lies, and keeps there what podproof keeps.
func (b bench) program(args ...string) command {
	return command{dir: b.dir, env: []string{"XDG_CACHE_HOME=" + filepath.Join(b.dir, "cache")}, args: args}
}

// install compiles a program into the run's folder.
func (b bench) install(ctx context.Context, module string) error {
	fmt.Fprintln(os.Stderr, "[bench] installing", module)
	cmd := exec.CommandContext(ctx, "go", "install", module)
	cmd.Env = append(os.Environ(), "GOBIN="+b.dir, "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go install %s: %w\n%s", module, err, out)
	}
	return nil
}

// Command bench times `podproof inspect` beside programs that read the same images, in one run,
// and prints a Markdown table. See hack/bench/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `usage: hack/bench/run [-docker] [-n RUNS] [-only reactbin|fastapi|synthetic] [-podproof FILE]
Times podproof, gitleaks, crane and sha256sum on the same images and prints a table.
With -docker the reference images are the Docker engine's where it has them, else stand-ins of like size`

// The peers, which go install compiles for the run.
const (
	gitleaks = "github.com/zricethezav/gitleaks/v8@v8.30.1"
	crane    = "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	err := run(ctx, os.Args[1:])
	var wrong wrong
	switch {
	case err == nil:
	case errors.As(err, &wrong):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "hack/bench:", err)
		os.Exit(3)
	}
}

// wrong is a mistake in how it was called.
type wrong struct{ error }

func run(ctx context.Context, args []string) error {
	// Images are made, and unpacked, in processes of their own: what this one needs of memory
	// would count as its children's.
	if len(args) == 3 && args[0] == "make" {
		return makeImage(args[1], args[2])
	}
	if len(args) == 3 && args[0] == "unpack" {
		return unpack(args[1], args[2])
	}
	if len(args) > 0 && args[0] == "many" {
		return runMany(ctx, args[1:])
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	runs := flags.Int("n", 7, "")
	only := flags.String("only", "", "")
	engine := flags.Bool("docker", false, "")
	podproof := flags.String("podproof", filepath.Join(os.Getenv("PODPROOF_HACK"), "..", "bin", "podproof"), "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || *runs < 1 {
		return wrong{errors.New(usage)}
	}
	dir, err := os.MkdirTemp("", "podproof-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b := bench{dir: dir, runs: *runs, docker: *engine}
	if b.podproof, err = filepath.Abs(*podproof); err != nil {
		return err
	}
	if _, err := os.Stat(b.podproof); err != nil {
		return fmt.Errorf("%w; `make build` makes it", err)
	}
	for _, module := range []string{gitleaks, crane} {
		if err := b.install(ctx, module); err != nil {
			return err
		}
	}
	var all []result
	for _, img := range images {
		if *only != "" && *only != img.name {
			continue
		}
		r, err := b.measure(ctx, img)
		if err != nil {
			return fmt.Errorf("image %s: %w", img.name, err)
		}
		all = append(all, r)
	}
	table(os.Stdout, all)
	return nil
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

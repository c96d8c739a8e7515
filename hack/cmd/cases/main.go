// Command cases tries podproof on shapes from public bug reports, each a folder with a contract and
// manifests, and says where its verdicts are not the right ones. What is right stands in right.go; the
// shapes lie outside of this repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

const usage = `usage: hack/cases [-cluster kind:NAME] [-podproof FILE] [-j N] FOLDER [NAME…]
FOLDER has cluster/, manifests/ and judge/, or some of them. NAME is a case's, all without one.
Exit code 1: one of them is not right.`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	wrong, err := run(ctx, os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "hack/cases:", err)
		os.Exit(3)
	case wrong > 0:
		os.Exit(1)
	}
}

// bench is where the cases are tried.
type bench struct {
	podproof, cluster, folder string
}

func run(ctx context.Context, args []string) (wrong int, err error) {
	flags := flag.NewFlagSet("cases", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, usage) }
	b := bench{}
	flags.StringVar(&b.cluster, "cluster", "", "")
	flags.StringVar(&b.podproof, "podproof", filepath.Join(os.Getenv("PODPROOF_HACK"), "..", "bin", "podproof"), "")
	side := flags.Int("j", 2, "")
	if err := flags.Parse(args); err != nil {
		return 0, flag.ErrHelp
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return 0, flag.ErrHelp
	}
	if b.podproof, err = filepath.Abs(b.podproof); err != nil {
		return 0, err
	}
	if b.folder, err = filepath.Abs(flags.Arg(0)); err != nil {
		return 0, err
	}
	cases, err := b.cases(flags.Args()[1:])
	if err != nil {
		return 0, err
	}
	if slices.ContainsFunc(cases, func(c one) bool { return c.group == "cluster" }) {
		if err := loadImages(ctx, filepath.Join(b.folder, "cluster", "mimic")); err != nil {
			return 0, err
		}
	}
	return b.tryAll(ctx, cases, *side), ctx.Err()
}

// one is a case, and what is right about it.
type one struct {
	group, name string
	right       right
}

// cases are those of the folder, or the named ones.
func (b bench) cases(names []string) ([]one, error) {
	var out []one
	unknown := slices.Clone(names)
	for _, group := range []string{"manifests", "judge", "cluster"} {
		entries, err := os.ReadDir(filepath.Join(b.folder, group))
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, e := range entries {
			name := e.Name()
			if group == "judge" {
				name = name[:len(name)-len(filepath.Ext(name))]
			}
			if name == "mimic" || len(names) > 0 && !slices.Contains(names, name) {
				continue
			}
			unknown = slices.DeleteFunc(unknown, func(n string) bool { return n == name })
			r, ok := rightOf(group, name)
			if !ok {
				fmt.Printf("SKIPPED %s/%s: nothing says what is right\n", group, name)
				continue
			}
			out = append(out, one{group, name, r})
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%s has no case %q", b.folder, unknown)
	}
	return out, nil
}

// tryAll tries the cases, so many side by side, and counts those that are wrong.
func (b bench) tryAll(ctx context.Context, cases []one, side int) (wrong int) {
	slots := make(chan struct{}, max(1, side))
	var mu sync.Mutex
	var tries sync.WaitGroup
	for _, c := range cases {
		tries.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			began := time.Now()
			got, err := b.try(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			faults := c.right.faults(got)
			if err != nil {
				faults = append(faults, err.Error())
			}
			if len(faults) == 0 {
				fmt.Printf("right %s/%s (%.0f s)\n", c.group, c.name, time.Since(began).Seconds())
				return
			}
			wrong++
			fmt.Printf("WRONG %s/%s (%.0f s, exit code %d)\n", c.group, c.name, time.Since(began).Seconds(), got.exit)
			for _, f := range faults {
				fmt.Printf("      %s\n", f)
			}
		})
	}
	tries.Wait()
	fmt.Printf("%d cases, %d right\n", len(cases), len(cases)-wrong)
	return wrong
}

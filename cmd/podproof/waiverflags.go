package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/report"
)

// waiverFlags ask for waivers of what is broken today.
type waiverFlags struct {
	waiversTo string
	until, by string
}

func (f *waiverFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.waiversTo, "write-waivers", "", "write a waiver of each finding of this run to this `FILE`, for the contract's waiversFrom")
	fl.StringVar(&f.until, "until", "", "last `DAY` of these waivers, as 2026-12-31")
	fl.StringVar(&f.by, "by", "", "`WHO` is responsible for these waivers (default: the user's name)")
}

// checkWaivers says before a run what could not be written after it. A file that is there may hold
// what somebody decided.
func (f *waiverFlags) checkWaivers() error {
	if f.waiversTo == "" {
		if f.until != "" || f.by != "" {
			return errors.New("--until and --by are about the file of --write-waivers; add that, or leave them out")
		}
		return nil
	}
	if _, err := time.Parse(time.DateOnly, f.until); err != nil {
		return fmt.Errorf("--write-waivers needs --until and the waivers' last day, such as 2026-12-31 (--until is %q)", f.until)
	}
	if _, err := os.Lstat(f.waiversTo); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("--write-waivers: %s is there already, and is not overwritten; name another file, or move that one away", f.waiversTo)
	}
	if err := report.CheckWritable(f.waiversTo); err != nil {
		return fmt.Errorf("--write-waivers: %w", err)
	}
	return nil
}

func (f *waiverFlags) writeWaivers(r report.Report) error {
	if f.waiversTo == "" {
		return nil
	}
	by := f.by
	if u, err := user.Current(); by == "" && err == nil {
		by = cmp.Or(u.Name, u.Username)
	}
	n, err := r.WriteWaivers(f.waiversTo, cmp.Or(by, "nobody in particular"), f.until)
	switch {
	case err != nil:
		return fmt.Errorf("--write-waivers: %w", err)
	case n == 0:
		fmt.Fprintf(os.Stderr, "podproof: nothing is broken that no waiver accepts, so %s is not written\n", f.waiversTo)
	default:
		fmt.Fprintf(os.Stderr, "podproof: %d waivers are in %s; the contract takes them with `waiversFrom: [%s]`\n", n, f.waiversTo, f.waiversTo)
	}
	return nil
}

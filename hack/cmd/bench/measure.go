package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	dir      string
	podproof string
	runs     int
	docker   bool
}

// result is one image with what was measured of it.
type result struct {
	image image
	// made is how the image came about; found, what podproof says of it.
	made, found string
	bytes       int64
	rows        []row
}

// row is one program. Others is the share of all processors that other processes used while it
// was measured.
type row struct {
	name   string
	runs   []once
	others float64
}

// once is one run: its wall time, and its peak of resident memory in bytes (getrusage).
type once struct {
	seconds float64
	rss     int64
}

// A slow program is repeated for longest at most, after its least of runs.
const (
	longest = 90 * time.Second
	least   = 5
)

// measure times every program on one image.
func (b bench) measure(ctx context.Context, img image) (result, error) {
	r := result{image: img}
	archive := filepath.Join(b.dir, "image.tar")
	tree, cache := filepath.Join(b.dir, "tree"), filepath.Join(b.dir, "cache")
	defer func() {
		for _, p := range []string{archive, tree, cache} {
			_ = os.RemoveAll(p)
		}
	}()
	var err error
	if r.made, err = b.archive(ctx, img, archive); err != nil {
		return r, err
	}
	info, err := os.Stat(archive)
	if err != nil {
		return r, err
	}
	r.bytes = info.Size()
	if r.found, err = b.found(ctx, archive, img); err != nil {
		return r, err
	}
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	if err := os.Mkdir(tree, 0o755); err != nil {
		return r, err
	}
	if out, err := exec.CommandContext(ctx, self, "unpack", archive, tree).CombinedOutput(); err != nil {
		return r, fmt.Errorf("unpacking: %w: %s", err, out)
	}
	empty := func() error { return os.RemoveAll(cache) }
	inspect := []string{b.podproof, "inspect", "tar:" + archive}
	for _, p := range []struct {
		name   string
		before func() error
		args   []string
	}{
		{"**podproof inspect**, cold (`--no-cache`)", nil, append(slices.Clone(inspect), "--no-cache")},
		{"**podproof inspect**, cold, fills its cache", empty, inspect},
		{"**podproof inspect**, warm", nil, inspect},
		{"`crane export \\| sha256sum`", nil, []string{"sh", "-c", b.dir + "/crane export - - <" + archive + " | sha256sum"}},
		{"`sha256sum` of the archive", nil, []string{"sha256sum", archive}},
		{"gitleaks `dir`, on the unpacked tree", nil, []string{filepath.Join(b.dir, "gitleaks"), "dir", tree, "--no-banner", "--exit-code", "0", "--log-level", "error"}},
	} {
		row, err := b.time(ctx, p.name, p.before, p.args)
		if err != nil {
			return r, err
		}
		r.rows = append(r.rows, row)
	}
	return r, nil
}

// time runs a program again and again, once the machine is quiet; the first run, which brings
// files into memory, does not count.
func (b bench) time(ctx context.Context, name string, before func() error, args []string) (row, error) {
	out := row{name: name}
	if err := settle(ctx); err != nil {
		return out, err
	}
	var began time.Time
	var busy, own float64
	for i := range b.runs + 1 {
		if i > min(least, b.runs) && time.Since(began) > longest {
			break
		}
		if before != nil {
			if err := before(); err != nil {
				return out, err
			}
		}
		if i == 1 {
			began, busy = time.Now(), busySeconds()
		}
		one, used, err := b.once(ctx, args)
		if err != nil {
			return out, err
		}
		if i > 0 {
			out.runs, own = append(out.runs, one), own+used
		}
	}
	out.others = max(0, busySeconds()-busy-own) / (time.Since(began).Seconds() * float64(runtime.NumCPU()))
	fmt.Fprintln(os.Stderr, "[bench]", out.line(median(out.runs)))
	return out, nil
}

// once runs a program; used are the seconds of processors that it took.
func (b bench) once(ctx context.Context, args []string) (one once, used float64, err error) {
	cmd := b.command(ctx, args)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	err = cmd.Run()
	one.seconds = time.Since(began).Seconds()
	if err = acceptable(err); err != nil {
		return one, 0, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, stderr.String())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return one, 0, errors.New("this system has no getrusage")
	}
	one.rss = usage.Maxrss << 10 // Linux counts in KiB
	return one, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), nil
}

// busySeconds is how long all processors together have worked since the machine started.
func busySeconds() float64 {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(b), "\n")
	const ticks = 100 // a second, on every Linux that Go runs on
	sum := 0.0
	for i, f := range strings.Fields(line)[1:] {
		if n, err := strconv.ParseFloat(f, 64); err == nil && i != 3 && i != 4 && i < 8 { // idle, and waiting for a disk; guests count twice
			sum += n
		}
	}
	return sum / ticks
}

func (b bench) command(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = b.dir // no contract of somebody's lies there
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(b.dir, "cache"))
	return cmd
}

// acceptable takes podproof's verdict, that a promise is broken, for no error.
func acceptable(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return nil
	}
	return err
}

// found makes sure that podproof finds what is planted in the image, since a program that
// looks at nothing is fast.
func (b bench) found(ctx context.Context, archive string, img image) (string, error) {
	cmd := b.command(ctx, []string{b.podproof, "inspect", "--no-cache", "-o", "json", "tar:" + archive})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err = acceptable(err); err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, stderr.String())
	}
	var report struct {
		Verdicts []struct{ ID, Seen string }
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return "", fmt.Errorf("podproof's report: %w", err)
	}
	for _, c := range report.Verdicts {
		if c.ID != "image/no-secrets-in-layers" {
			continue
		}
		if want := fmt.Sprintf("%d credential", img.planted); img.planted > 0 && !strings.HasPrefix(c.Seen, want) {
			return "", fmt.Errorf("%ss are planted, and podproof says: %s", want, c.Seen)
		}
		return c.Seen, nil
	}
	return "", errors.New("podproof's report says nothing of image/no-secrets-in-layers")
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const usageInspect = `usage: hack/bench/run [-docker] [-n RUNS] [-only reactbin|fastapi|synthetic] [-podproof FILE] [-v]
Times podproof, gitleaks, crane and sha256sum on the same images and prints a table.
With -docker the reference images are the Docker engine's where it has them, else stand-ins of like size.
Several contracts: hack/bench/run many -h; whole runs beside kind and a script: hack/bench/run verify -h`

// The peers, which go install compiles for the run.
const (
	gitleaks = "github.com/zricethezav/gitleaks/v8@v8.30.1"
	crane    = "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
)

func runInspect(ctx context.Context, args []string) (err error) {
	var b bench
	flags := b.flags(7)
	only := flags.String("only", "", "")
	flags.BoolVar(&b.docker, "docker", false, "")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || b.runs < 1 {
		return wrong{errors.New(usageInspect)}
	}
	if err := b.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	for _, module := range []string{gitleaks, crane} {
		if err := b.install(ctx, module); err != nil {
			return err
		}
	}
	var all []result
	for _, img := range measured {
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

// A slow program is repeated for so long at most.
const longest = 90 * time.Second

// result is one image with what was measured of it.
type result struct {
	image image
	// made is how the image came about; found, what podproof says of it.
	made, found string
	bytes       int64
	rows        []row
}

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
	empty := func(context.Context) error { return os.RemoveAll(cache) }
	inspect := []string{b.podproof, "inspect", "tar:" + archive}
	for _, p := range []task{
		{name: "**podproof inspect**, cold (`--no-cache`)", command: b.program(append(slices.Clone(inspect), "--no-cache")...)},
		{name: "**podproof inspect**, cold, fills its cache", before: empty, command: b.program(inspect...)},
		{name: "**podproof inspect**, warm", command: b.program(inspect...)},
		{name: "`crane export \\| sha256sum`", command: b.program("sh", "-c", b.dir+"/crane export - - <"+archive+" | sha256sum")},
		{name: "`sha256sum` of the archive", command: b.program("sha256sum", archive)},
		{name: "gitleaks `dir`, on the unpacked tree", command: b.program(filepath.Join(b.dir, "gitleaks"), "dir", tree, "--no-banner", "--exit-code", "0", "--log-level", "error")},
	} {
		p.also = []int{broken}
		if err := settle(ctx); err != nil {
			return r, err
		}
		rows, err := turns{n: b.runs, longest: longest}.measure(ctx, b, p)
		if err != nil {
			return r, err
		}
		r.rows = append(r.rows, rows...)
	}
	return r, nil
}

// broken is podproof's exit code for a promise that an image breaks, which is no error here.
const broken = 1

// found makes sure that podproof finds what is planted in the image, since a program that
// looks at nothing is fast.
func (b bench) found(ctx context.Context, archive string, img image) (string, error) {
	file := filepath.Join(b.dir, "report.json")
	if _, _, err := b.once(ctx, b.program(b.podproof, "inspect", "--no-cache", "-o", "json="+file, "tar:"+archive), broken); err != nil {
		return "", err
	}
	out, err := os.ReadFile(file)
	if err != nil {
		return "", err
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

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"podproof.dev/hack/internal/cache"
	"podproof.dev/hack/internal/docker"
	"podproof.dev/hack/internal/engine"
	"podproof.dev/hack/internal/progress"
	"podproof.dev/hack/internal/standin"
)

// Mode says where images come from.
type Mode string

// The values of PODPROOF_IMAGES.
const (
	Auto  Mode = "auto"  // official ones where they can be had, stand-ins otherwise
	Pull  Mode = "pull"  // official ones only
	Build Mode = "build" // stand-ins only
)

// ParseMode reads PODPROOF_IMAGES; empty is Auto.
func ParseMode(text string) (Mode, error) {
	switch mode := Mode(text); mode {
	case "":
		return Auto, nil
	case Auto, Pull, Build:
		return mode, nil
	}
	return "", fmt.Errorf("PODPROOF_IMAGES is %q: it can be auto, pull or build", text)
}

// Result is what a run needs to know to use the images.
type Result struct {
	Host    string // DOCKER_HOST, empty for the ordinary engine
	choices []choice
}

// Variables returns NAME=value for everything that was decided, in a fixed order.
func (r Result) Variables(private bool) []string {
	var set []string
	if private && r.Host != "" {
		set = append(set, "DOCKER_HOST="+r.Host)
	}
	for _, c := range r.choices {
		set = append(set, c.variables()...)
	}
	return joined(set)
}

// joined makes one variable of those that share a name, where the first of them stands.
func joined(variables []string) []string {
	var out []string
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		i := slices.IndexFunc(out, func(o string) bool { return strings.HasPrefix(o, name+"=") })
		if i < 0 {
			out = append(out, v)
			continue
		}
		out[i] += "," + value
	}
	return out
}

// Lines says for people which image is which.
func (r Result) Lines() []string {
	var lines []string
	for _, c := range r.choices {
		kind := "official"
		if c.isStandin() {
			kind = "stand-in"
		}
		lines = append(lines, fmt.Sprintf("%-10s  %s  %s", c.name, kind, c.ref))
	}
	return lines
}

// Ensure gets the named images into the engine, or all of them, and says which they are.
func Ensure(ctx context.Context, say *progress.Log, stderr io.Writer, hack string, mode Mode, names []string) (Result, error) {
	result, builder, err := prepare(ctx, say, stderr, hack, names)
	if err != nil {
		return result, err
	}
	if err := result.choosePresent(ctx, builder.Engine, mode); err != nil {
		return result, err
	}
	if result.complete() {
		return result, nil
	}
	// From here on the work is heavy: one run does it, the others wait for its result.
	unlock, err := cache.Lock(ctx, filepath.Join(builder.Dir, "lock"), func() {
		say.Say("Another run is building or pulling images: waiting for it.")
	})
	if err != nil {
		return result, err
	}
	defer unlock()
	if err := builder.Sweep(); err != nil {
		return result, err
	}
	if err := result.choosePresent(ctx, builder.Engine, mode); err != nil {
		return result, err
	}
	if mode != Build {
		if err := result.pull(ctx, builder.Engine, say, mode); err != nil {
			return result, err
		}
	}
	return result, result.build(ctx, builder)
}

// prepare finds the engine and works out names. Neither costs more than a moment when all is there.
func prepare(ctx context.Context, say *progress.Log, stderr io.Writer, hack string, names []string) (Result, *standin.Builder, error) {
	dir, err := cache.Dir("images")
	if err != nil {
		return Result{}, nil, err
	}
	var result Result
	var host standin.Host
	found := make(chan error, 1)
	go func() {
		var err error
		result.Host, err = engine.Ensure(ctx, stderr)
		found <- err
	}()
	host, err = standin.ThisHost(ctx, hack)
	if err := errors.Join(<-found, err); err != nil {
		return result, nil, err
	}
	kind, err := KindNode(host.Kind)
	if err != nil {
		return result, nil, err
	}
	list, err := selection(catalogue(kind), names)
	if err != nil {
		return result, nil, err
	}
	result.choices, err = candidates(ctx, list, host)
	return result, &standin.Builder{Engine: docker.Engine{Host: result.Host}, Log: say, Dir: dir, Host: host}, err
}

// choosePresent takes what the engine has already: an official image before a stand-in, unless one kind is forced.
func (r *Result) choosePresent(ctx context.Context, engine docker.Engine, mode Mode) error {
	var refs []string
	for _, c := range r.choices {
		refs = append(refs, c.official, c.standin.Ref())
	}
	has, err := present(ctx, engine, refs)
	if err != nil {
		return err
	}
	for i := range r.choices {
		c := &r.choices[i]
		switch {
		case mode != Build && has[c.official]:
			c.ref, c.ready = c.official, true
		case mode != Pull && has[c.standin.Ref()]:
			c.ref, c.ready = c.standin.Ref(), true
		}
	}
	return nil
}

func (r *Result) complete() bool {
	return !slices.ContainsFunc(r.choices, func(c choice) bool { return !c.ready })
}

// pull gets official images. A registry that does not answer is asked once.
func (r *Result) pull(ctx context.Context, engine docker.Engine, say *progress.Log, mode Mode) error {
	silent, done := map[string]bool{}, map[string]bool{}
	for i := range r.choices {
		c := &r.choices[i]
		if c.ready || silent[registry(c.official)] {
			continue
		}
		var err error
		if !done[c.official] {
			err = pull(ctx, engine, say, c.official)
		}
		switch {
		case err == nil:
			done[c.official] = true
			c.ref, c.ready = c.official, true
		case ctx.Err() != nil:
			return ctx.Err()
		case mode == Pull:
			return fmt.Errorf("%s image: %w\nPODPROOF_IMAGES=pull forbids to build it: make the registry reachable, load the image into the engine (docker load), or unset PODPROOF_IMAGES", c.name, err)
		default:
			silent[registry(c.official)] = true
			say.Say("No images from %s (%s): building stand-ins from the Go module proxy and Debian's packages.", registry(c.official), reason(err))
		}
	}
	return nil
}

// reason is the end of a pull's error, which is where the cause is: after the URL that docker asked for.
func reason(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	last := lines[len(lines)-1]
	if _, cause, found := strings.Cut(last, `": `); found {
		return cause
	}
	return last
}

// build makes the stand-ins that are still missing, side by side.
func (r *Result) build(ctx context.Context, builder *standin.Builder) error {
	var missing []standin.Image
	for i := range r.choices {
		if c := &r.choices[i]; !c.ready {
			c.ref, c.ready = c.standin.Ref(), true
			missing = append(missing, c.standin)
		}
	}
	if err := builder.NeedSpace(missing); err != nil {
		return err
	}
	return builder.BuildAll(ctx, missing)
}

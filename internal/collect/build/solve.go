package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/tonistiigi/fsutil"
	"google.golang.org/grpc/status"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// solve is one build of a Spec.
type solve struct {
	folder  fsutil.FS // the context
	exports []client.ExportEntry
	rec     *recorder
	// asked is told what BuildKit asks for of the context; may be nil.
	asked *request
	// made gets the ID of the image that was made: the engine's exporter calls it the image's
	// digest (moby, builder/builder-next/exporter). It stays empty where nothing is exported.
	made *string
	// enough ends the build, without a failure, once it is true of the steps; may be nil.
	enough func([]evidence.BuildStep) bool
	// attrs are for the Dockerfile frontend, beside those of the Spec.
	attrs map[string]string
}

// failure is what BuildKit said of a build that did not succeed.
type failure struct {
	message string
	source  []string // the lines of the Dockerfile, where it named any
}

// solve runs one build and records its steps.
func (s Spec) solve(ctx context.Context, engine *docker.Engine, b solve) (*failure, error) {
	buildkit, err := dial(ctx, engine)
	if err != nil {
		return nil, err
	}
	defer func() { _ = buildkit.Close() }()
	opt, err := s.options(b)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	updates, recorded := make(chan *client.SolveStatus), make(chan struct{})
	go func() {
		defer close(recorded)
		for u := range updates {
			b.rec.add(u)
			if b.enough != nil && !b.rec.ended && b.enough(b.rec.steps()) {
				b.rec.ended = true
				stop(errDecided)
			}
		}
	}()
	made, err := buildkit.Solve(running, nil, opt, updates)
	<-recorded
	switch {
	case err == nil:
		if b.made != nil {
			*b.made = made.ExporterResponse[exptypes.ExporterImageDigestKey]
		}
		return nil, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case b.rec.ended:
		return nil, nil
	}
	// What BuildKit says of a build and of its own end looks alike. If the engine still
	// answers, it was about the build.
	if gone := engine.Ping(ctx); gone != nil {
		return nil, fmt.Errorf("the connection to the engine was lost: %w (%w)", gone, err)
	}
	return &failure{said(err), shown(err)}, nil
}

// shown are the lines of the Dockerfile that an error is about, as `docker build` prints them.
func shown(err error) []string {
	var out []string
	for _, s := range errdefs.Sources(err) {
		out = append(out, printed(s)...)
	}
	return out
}

func printed(s *errdefs.Source) []string {
	var b strings.Builder
	if s.Print(&b) != nil || b.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// said is BuildKit's message without what it, gRPC and the client wrap around it.
func said(err error) string {
	text := err.Error()
	for e := err; e != nil; e = errors.Unwrap(e) {
		if st, ok := e.(interface{ GRPCStatus() *status.Status }); ok {
			text = st.GRPCStatus().Message()
		}
	}
	for _, p := range []string{"failed to solve: ", "failed to solve with frontend dockerfile.v0: ", "failed to create LLB definition: "} {
		text = strings.TrimPrefix(text, p)
	}
	return text
}

func dial(ctx context.Context, engine *docker.Engine) (*client.Client, error) {
	// One connection before gRPC makes its own: gRPC would try again and again, and hide why.
	probe, err := engine.Dial(ctx, "/grpc", "h2c", nil)
	if err != nil {
		return nil, fmt.Errorf("%w; podproof builds with the BuildKit of Docker Engine 20.10 or later", err)
	}
	_ = probe.Close()
	return client.New(ctx, "", client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return engine.Dial(ctx, "/grpc", "h2c", nil)
	}), client.WithSessionDialer(func(ctx context.Context, protocol string, meta map[string][]string) (net.Conn, error) {
		return engine.Dial(ctx, "/session", protocol, meta)
	}))
}

// options are what `docker build` would send. The Dockerfile frontend in the engine reads
// .dockerignore itself ("<Dockerfile>.dockerignore" before the context's) and asks for the
// context without what it excludes.
func (s Spec) options(b solve) (client.SolveOpt, error) {
	beside, err := fsutil.NewFS(filepath.Dir(s.Dockerfile))
	if err != nil {
		return client.SolveOpt{}, fmt.Errorf("reading the Dockerfile's folder: %w", err)
	}
	// BuildKit keeps the files of a context and asks for those alone whose size or time
	// differ. The key keeps the contexts of different folders apart.
	whole, err := filepath.Abs(s.Context)
	if err != nil {
		return client.SolveOpt{}, err
	}
	sum := sha256.Sum256([]byte(whole))
	attrs := map[string]string{"filename": filepath.Base(s.Dockerfile)}
	if s.Target != "" {
		attrs["target"] = s.Target
	}
	for k, v := range s.Args {
		attrs["build-arg:"+k] = v
	}
	for k, v := range s.Labels {
		attrs["label:"+k] = v
	}
	maps.Copy(attrs, b.attrs)
	opt := client.SolveOpt{
		Frontend: "dockerfile.v0", FrontendAttrs: attrs,
		LocalMounts: map[string]fsutil.FS{"context": b.folder, "dockerfile": beside},
		SharedKey:   hex.EncodeToString(sum[:]),
		Session:     []session.Attachable{registryLogin{}},
		Exports:     b.exports,
	}
	if b.asked != nil {
		opt.LocalFilterOpt = b.asked.note
	}
	return opt, nil
}

package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/collect/build"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/ledger"
	"podproof.dev/podproof/internal/subject"
)

// testBuilder says of each build what the test wants.
type testBuilder struct {
	first evidence.Build
	again func(files []string) (evidence.Rebuild, error)
	err   error
	asked []string // the files of each rebuild
}

func (b *testBuilder) Build(context.Context, build.Spec, func(string)) (evidence.Build, error) {
	return b.first, b.err
}

func (b *testBuilder) Rebuild(_ context.Context, s build.Spec, files []string) (evidence.Rebuild, error) {
	b.asked = append(b.asked, strings.Join(files, " "))
	if s.Matters == nil {
		return evidence.Rebuild{}, errBroken
	}
	r, err := b.again(files)
	r.Files = files
	return r, err
}

// goSteps are those of a build that installs its dependencies before or after it copies the source.
func goSteps(cached bool, instructions ...string) []evidence.BuildStep {
	var out []evidence.BuildStep
	for i, in := range instructions {
		s := evidence.BuildStep{Name: "[builder] " + in, Stage: "builder", Instruction: in, Digest: string(rune('a' + i)), Cached: cached, Started: true, Completed: true}
		if i > 0 {
			s.Inputs = []string{out[i-1].Digest}
		}
		out = append(out, s)
	}
	return out
}

// building is a run whose image is built of a context with some files.
func building(t *testing.T, b *testBuilder, files ...string) (*run, *script) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range append([]string{"Dockerfile"}, files...) {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tell := &script{}
	c := contract.Contract{Image: "shop/api:1.0", Build: &contract.Build{Context: dir, Dockerfile: filepath.Join(dir, "Dockerfile")}}
	r := &run{Options: Options{Tell: tell}, plan: subject.Subject{Contract: c}, builder: b}
	var entries []evidence.ContextEntry
	for _, f := range files {
		entries = append(entries, evidence.ContextEntry{Path: f, Sent: true})
	}
	r.saw.e.Context = &evidence.BuildContext{Entries: entries}
	return r, tell
}

func TestABuildIsWrittenDown(t *testing.T) {
	for _, c := range []struct {
		b       testBuilder
		fails   error
		written bool
	}{
		{testBuilder{first: evidence.Build{ImageID: "sha256:x"}}, nil, true},
		{testBuilder{first: evidence.Build{Error: "exit code 1"}}, errNoBuild, true},
		{testBuilder{first: evidence.Build{MissingPath: "go.mod"}}, errNoBuild, true},
		{testBuilder{err: errBroken}, errBroken, false},
	} {
		r, _ := building(t, &c.b)
		if err := r.build(t.Context()); err != c.fails || (r.saw.e.Build != nil) != c.written || c.written && r.saw.e.Build.Context == "" {
			t.Errorf("got %+v (%v)", r.saw.e.Build, err)
		}
	}
}

// An image that nobody asked to be built must not take the name of one that somebody has, and goes with
// the run.
func TestABuildWithoutAContractHasANameOfItsOwn(t *testing.T) {
	e := newEngine(t, "shop/api:1.0")
	unwritten, err := contract.Unwritten(".", nil, &contract.Build{Context: ".", Dockerfile: "buildsteps_test.go"})
	if err != nil {
		t.Fatal(err)
	}
	for own, c := range map[bool]contract.Contract{true: unwritten, false: {Build: &contract.Build{Context: ".", Dockerfile: "buildsteps_test.go"}}} {
		c.Image = "shop/api:1.0"
		l, err := ledger.New(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		want, gone := "shop/api:1.0", []string(nil)
		if own {
			want = "podproof.local/unwritten:" + l.ID
			gone = []string{want}
		}
		e.removed = nil
		r := &run{Options: Options{Tell: &script{}}, engine: connect(t), builder: &testBuilder{}, plan: subject.Subject{Contract: c}, ledger: l}
		if err := r.build(t.Context()); err != nil || r.spec().Name != want || !slices.Equal(l.Made.Built, gone) {
			t.Errorf("built as %s, written down are %q (%v)", r.spec().Name, l.Made.Built, err)
		}
		if err := r.clean.run(); err != nil || !slices.Equal(e.removed, gone) {
			t.Errorf("removed were %q (%v), want %q", e.removed, err, gone)
		}
	}
}

func TestChangedSourceIsBuiltAgain(t *testing.T) {
	good := []string{"COPY go.mod .", "RUN go mod download", "COPY . ."}
	bad := []string{"COPY . .", "RUN go mod download"}
	for _, c := range []struct {
		name  string
		steps []string
		files []string
		again []evidence.BuildStep // what a change of all makes of them
		asked []string
		alone int
	}{
		{"the dependencies stay cached", good, []string{"a.go", "b.ts"}, goSteps(true, good...), []string{"a.go b.ts"}, 0},
		{"they are installed again", bad, []string{"a.go", "b.ts"}, goSteps(false, bad...), []string{"a.go b.ts", "a.go"}, 1},
		{"for one file there is no question which", bad, []string{"a.go"}, goSteps(false, bad...), []string{"a.go"}, 0},
		{"no source is copied", []string{"RUN go mod download"}, nil, nil, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &testBuilder{again: func([]string) (evidence.Rebuild, error) { return evidence.Rebuild{Steps: c.again}, nil }}
			r, tell := building(t, b, c.files...)
			r.saw.e.Build = &evidence.Build{Steps: goSteps(true, c.steps...)}
			if err := r.rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(b.asked, c.asked) || r.saw.e.Rebuild == nil || len(r.saw.e.Rebuild.Alone) != c.alone || (len(tell.lines) == 2) != (len(c.asked) > 0) {
				t.Errorf("built with %q, told %q: %+v", b.asked, tell.lines, r.saw.e.Rebuild)
			}
		})
	}
	b := &testBuilder{again: func([]string) (evidence.Rebuild, error) { return evidence.Rebuild{}, errBroken }}
	r, tell := building(t, b, "a.go")
	r.saw.e.Build = &evidence.Build{Steps: goSteps(true, good...)}
	if err := r.rebuild(t.Context()); err != errBroken || r.saw.e.Rebuild != nil || !slices.Contains(tell.lines, errBroken.Error()) {
		t.Errorf("told %q (%v)", tell.lines, err)
	}
}

func TestAChangedLockFileIsBuiltAgain(t *testing.T) {
	b := &testBuilder{again: func([]string) (evidence.Rebuild, error) { return evidence.Rebuild{}, nil }}
	r, tell := building(t, b, "go.mod", "go.sum", "a.go")
	r.saw.e.Build = &evidence.Build{Steps: goSteps(true, "COPY go.mod go.sum .", "RUN go mod download", "COPY . .")}
	if err := r.lockRebuild(t.Context()); err != nil || len(b.asked) != 1 || !strings.Contains(b.asked[0], "go.mod") || r.saw.e.LockRebuild == nil || len(tell.lines) != 2 {
		t.Errorf("built with %q, told %q (%v)", b.asked, tell.lines, err)
	}
	b.asked, r.saw.e.Build.Steps = nil, goSteps(true, "COPY . .")
	if err := r.lockRebuild(t.Context()); err != nil || len(b.asked) > 0 || r.saw.e.LockRebuild == nil || r.saw.e.LockRebuild.Files != nil {
		t.Errorf("built with %q (%v)", b.asked, err)
	}
	r, tell = building(t, &testBuilder{again: func([]string) (evidence.Rebuild, error) { return evidence.Rebuild{}, errBroken }}, "go.mod", "go.sum")
	r.saw.e.Build = &evidence.Build{Steps: goSteps(true, "COPY go.mod go.sum .", "RUN go mod download")}
	if err := r.lockRebuild(t.Context()); err != errBroken || r.saw.e.LockRebuild != nil || !slices.Contains(tell.lines, errBroken.Error()) {
		t.Errorf("told %q (%v)", tell.lines, err)
	}
}

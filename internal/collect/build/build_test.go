package build

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"podproof.dev/podproof/internal/evidence"
)

func TestStepNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"[2/5] RUN go build ./...":                           {"", "RUN go build ./..."},
		"[builder 3/5] RUN go mod download":                  {"builder", "RUN go mod download"},
		"[builder  3/12] COPY . .":                           {"builder", "COPY . ."},
		"[linux/arm64 builder 1/2] FROM docker.io/library/x": {"linux/arm64 builder", "FROM docker.io/library/x"},
		"[stage-1 4/4] ONBUILD RUN a":                        {"stage-1", "ONBUILD RUN a"},
		"[a 1/1] RUN echo \"[b 2/2] \n c\"":                  {"a", "RUN echo \"[b 2/2] \n c\""},
		"[internal] load build context":                      {"", ""},
		"exporting to image":                                 {"", ""},
		"docker-image://docker.io/docker/dockerfile:1":       {"", ""},
	} {
		if stage, instruction := parse(name); stage != want[0] || instruction != want[1] {
			t.Errorf("%q is stage %q, instruction %q; want %q", name, stage, instruction, want)
		}
	}
}

// sequence feeds a recorder as BuildKit does. A line is "NAME: state", states are new,
// start, done, cached and fail.
type sequence struct {
	*recorder
	now time.Time
}

func (s *sequence) update(lines ...string) {
	u := &client.SolveStatus{}
	for _, l := range lines {
		name, state, _ := strings.Cut(l, ": ")
		v := &client.Vertex{Digest: digest.FromString(name), Name: name, Inputs: []digest.Digest{digest.FromString("in")}}
		begin, end := s.now, s.now.Add(2*time.Second)
		switch state {
		case "start":
			v.Started = &begin
		case "done":
			v.Started, v.Completed = &begin, &end
		case "caching": // between its start and its end
			v.Started, v.Cached = &begin, true
		case "cached":
			v.Started, v.Completed, v.Cached = &begin, &begin, true
		case "cancelled":
			v.Started, v.Completed, v.Error = &begin, &end, "context canceled"
		case "fail":
			v.Started, v.Completed, v.Error = &begin, &end, "exit code: 1"
		}
		u.Vertexes = append(u.Vertexes, v)
	}
	s.add(u)
}

func (s *sequence) print(name, data string) {
	s.add(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: digest.FromString(name), Data: []byte(data)}}})
}

func TestRecorder(t *testing.T) {
	var told []string
	s := sequence{newRecorder(func(step string) { told = append(told, step) }), time.Unix(0, 0)}
	s.update("[1/2] FROM x: new", "[2/2] RUN y: new")
	s.update("[1/2] FROM x: start")
	s.update("[1/2] FROM x: done") // its cache key
	s.update("[1/2] FROM x: start")
	s.update("[1/2] FROM x: cached", "[2/2] RUN y: start")
	s.update("[2/2] RUN y: done")
	in := []string{digest.FromString("in").String()}
	want := []evidence.BuildStep{
		{Name: "[1/2] FROM x", Instruction: "FROM x", Digest: digest.FromString("[1/2] FROM x").String(), Inputs: in, Cached: true, Started: true, Completed: true},
		{Name: "[2/2] RUN y", Instruction: "RUN y", Digest: digest.FromString("[2/2] RUN y").String(), Inputs: in, Started: true, Completed: true, Seconds: 2},
	}
	if d := cmp.Diff(want, s.steps()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"[1/2] FROM x", "[2/2] RUN y"}, told); d != "" {
		t.Error(d)
	}
	s.ended = true
	s.update("[2/2] RUN y: cancelled")
	if d := cmp.Diff(want, s.steps()); d != "" {
		t.Errorf("after the end: %s", d)
	}
}

func TestFailure(t *testing.T) {
	s := sequence{newRecorder(nil), time.Unix(0, 0)}
	s.update("[a 1/1] RUN x: start", "[b 1/1] RUN y: start")
	for i := range 50 {
		s.print("[b 1/1] RUN y", fmt.Sprintf("line %d\n", i))
	}
	s.print("[b 1/1] RUN y", "10%\r100%\r\n\x1b[31mred\x1b[0m\nno end ")
	s.print("[b 1/1] RUN y", "of line")
	s.update("[a 1/1] RUN x: cancelled", "[b 1/1] RUN y: fail")
	message, log := s.failure("said")
	if message != `step "[b 1/1] RUN y" failed: exit code: 1` {
		t.Error(message)
	}
	if len(log) != logLines || log[0] != "line 13" {
		t.Errorf("%d lines from %q", len(log), log[0])
	}
	if d := cmp.Diff([]string{"100%", "red", "no end of line"}, log[logLines-3:]); d != "" {
		t.Error(d)
	}

	s = sequence{newRecorder(nil), time.Unix(0, 0)}
	s.update("[a 1/1] RUN x: cancelled")
	if message, _ := s.failure("dockerfile parse error line 2"); message != "dockerfile parse error line 2" {
		t.Error(message)
	}
}

// The sequences are those of Docker 20.10 for two stages, of which the last copies from
// the first.
func TestDecided(t *testing.T) {
	graph := []string{"[internal] load build context: new", "[builder 1/3] COPY deps: new", "[builder 2/3] RUN install: new",
		"[builder 3/3] COPY src: new", "[builder 4/4] RUN compile: new", "[stage-1 1/2] RUN user: new", "[stage-1 2/2] COPY --from=builder a: new"}
	loaded := "[internal] load build context: done"
	for _, c := range []struct {
		name    string
		updates [][]string
		builder bool // only the steps of the builder matter
		want    bool
	}{
		{"before the graph is known", [][]string{{"[internal] load build definition from Dockerfile: start"}}, false, false},
		{"the graph is known", [][]string{graph}, true, false},
		{"the context is loading", [][]string{graph, {"[internal] load build context: start"}}, true, false},
		{"the cache answered for the dependencies alone", [][]string{graph, {loaded, "[builder 2/3] RUN install: cached"}}, true, false},
		{"compiling", [][]string{graph, {loaded, "[builder 2/3] RUN install: cached", "[builder 3/3] COPY src: done", "[builder 4/4] RUN compile: start"}}, true, true},
		{"compiling, another RUN is open", [][]string{graph, {loaded, "[builder 2/3] RUN install: cached", "[builder 4/4] RUN compile: start"}}, false, false},
		{"compiling, the other RUN is decided", [][]string{graph, {loaded, "[builder 2/3] RUN install: cached", "[builder 4/4] RUN compile: start", "[stage-1 1/2] RUN user: cached"}}, false, true},
		{"installing, the compilation waits", [][]string{graph, {loaded, "[builder 2/3] RUN install: start"}}, true, false},
		{"installing beside the other stage", [][]string{graph, {loaded, "[stage-1 1/2] RUN user: start", "[builder 2/3] RUN install: start", "[builder 4/4] RUN compile: start"}}, false, true},
		{"from the cache, and nothing else began", [][]string{graph, {loaded, "[builder 2/3] RUN install: caching", "[builder 4/4] RUN compile: caching"}}, true, false},
		{"all from the cache", [][]string{graph, {loaded, "[builder 2/3] RUN install: cached", "[builder 4/4] RUN compile: cached", "[stage-1 1/2] RUN user: cached"}}, false, false},
		{"compiled", [][]string{graph, {loaded, "[builder 2/3] RUN install: cached", "[builder 4/4] RUN compile: done", "[stage-1 1/2] RUN user: cached"}}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := sequence{newRecorder(nil), time.Unix(0, 0)}
			for _, u := range c.updates {
				q.update(u...)
			}
			var s Spec
			if c.builder {
				s.Matters = func(step evidence.BuildStep) bool { return step.Stage == "builder" }
			}
			if got := s.decided(q.steps()); got != c.want {
				t.Errorf("decided is %v, want %v", got, c.want)
			}
		})
	}
}

func TestMustRun(t *testing.T) {
	step := func(digest, stage, instruction string, ran bool, inputs ...string) evidence.BuildStep {
		return evidence.BuildStep{Digest: digest, Stage: stage, Instruction: instruction, Started: ran, Inputs: inputs}
	}
	steps := []evidence.BuildStep{
		step("base", "a", "FROM x", true),
		step("install", "a", "RUN npm ci", true, "base"),
		step("copy", "a", "COPY . .", false, "install", "context"),
		step("more", "a", "RUN npm ci --prefix web", false, "copy"),
		step("other", "b", "RUN apk add a", false, "base"),
		step("taken", "b", "COPY --from=a /x /x", false, "other", "install"),
		step("last", "b", "RUN npm ci", false, "taken"),
	}
	for i, want := range []bool{false, false, true, true, false, false, false} {
		if got := mustRun(steps[i], steps); got != want {
			t.Errorf("%s must run: %v, want %v", steps[i].Digest, got, want)
		}
	}
	s := Spec{Matters: func(step evidence.BuildStep) bool { return step.Stage == "a" }}
	if !s.decided(steps) {
		t.Error("a step that has to run is waited for")
	}
	if steps[1].Cached = true; s.decided(steps) {
		t.Error("a step that may come from the cache is not waited for")
	}
}

func TestSaid(t *testing.T) {
	inner := status.Error(codes.Unknown, "failed to solve with frontend dockerfile.v0: failed to create LLB definition: no such stage")
	if got := said(fmt.Errorf("failed to solve: %w", inner)); got != "no such stage" {
		t.Error(got)
	}
	if got := said(errors.New("failed to solve: it")); got != "it" {
		t.Error(got)
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none")
	for _, c := range []struct {
		s             Spec
		missing, fail string
	}{
		{Spec{Context: dir, Dockerfile: file}, "", ""},
		{Spec{Context: dir, Dockerfile: none}, none, ""},
		{Spec{Context: none, Dockerfile: file}, none, ""},
		{Spec{Context: file, Dockerfile: file}, "", "is a file; name a folder"},
		{Spec{Context: dir, Dockerfile: dir}, "", "is a folder; name a file"},
	} {
		missing, err := c.s.missing()
		if missing != c.missing || (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%+v: missing %q, %v", c.s, missing, err)
		}
	}
}

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	s := Spec{Context: filepath.Join(dir, "a"), Dockerfile: filepath.Join(dir, "Dockerfile.prod"), Target: "last",
		Args: map[string]string{"A": "1"}, Labels: map[string]string{"l": "2"}}
	opt, err := s.options(solve{attrs: map[string]string{"no-cache": ""}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"filename": "Dockerfile.prod", "target": "last", "build-arg:A": "1", "label:l": "2", "no-cache": ""}
	if d := cmp.Diff(want, opt.FrontendAttrs); d != "" {
		t.Error(d)
	}
	s.Context = filepath.Join(dir, "b")
	if other, err := s.options(solve{}); err != nil || other.SharedKey == opt.SharedKey {
		t.Errorf("two contexts share the key %q (%v)", opt.SharedKey, err)
	}
}

package build

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

func dockerfile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const twoStages = `# syntax=docker/dockerfile:1
ARG BASE=x
FROM ${BASE} AS Builder
ENV UV_FROZEN=1
COPY uv.lock \
  pyproject.toml ./
# a comment
RUN <<EOF
uv sync
uv cache prune
EOF

FROM scratch
WORKDIR /app
COPY --from=builder /app .
`

func TestInstructions(t *testing.T) {
	want := []evidence.Instruction{
		{Line: 2, Text: "ARG BASE=x"},
		{Line: 3, Stage: "builder", Text: "FROM ${BASE} AS Builder"},
		{Line: 4, Stage: "builder", Text: "ENV UV_FROZEN=1"},
		{Line: 5, Stage: "builder", Text: "COPY uv.lock   pyproject.toml ./"},
		{Line: 8, Stage: "builder", Text: "RUN <<EOF\nuv sync\nuv cache prune\nEOF"},
		{Line: 13, Stage: "stage-1", Text: "FROM scratch"},
		{Line: 14, Stage: "stage-1", Text: "WORKDIR /app"},
		{Line: 15, Stage: "stage-1", Text: "COPY --from=builder /app ."},
	}
	if d := cmp.Diff(want, instructions(dockerfile(t, twoStages))); d != "" {
		t.Error(d)
	}
	for _, text := range []string{"", "RUN <<EOF\nno end"} {
		if got := instructions(dockerfile(t, text)); got != nil {
			t.Errorf("%q has %v", text, got)
		}
	}
	if got := instructions(filepath.Join(t.TempDir(), "none")); got != nil {
		t.Errorf("a file that is not there has %v", got)
	}
}

func TestLocate(t *testing.T) {
	all := instructions(dockerfile(t, twoStages))
	steps := func(names ...string) []evidence.BuildStep {
		var out []evidence.BuildStep
		for _, n := range names {
			s := evidence.BuildStep{Name: n}
			s.Stage, s.Instruction = parse(n)
			out = append(out, s)
		}
		return out
	}
	lines := func(steps []evidence.BuildStep) []int {
		var out []int
		for _, s := range steps {
			out = append(out, s.Line)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		steps []evidence.BuildStep
		want  []int
	}{
		{"two stages", steps("[internal] load build context", "[builder 1/3] FROM x", "[builder 2/3] COPY uv.lock pyproject.toml ./", "[builder 3/3] RUN <<EOF (uv sync...)",
			"[stage-1 1/2] WORKDIR /app", "[stage-1 2/2] COPY --from=builder /app ."), []int{0, 0, 5, 8, 14, 15}},
		{"ONBUILD of the base image", steps("[builder 1/4] FROM x", "[builder 2/4] ONBUILD COPY . .", "[builder 3/4] COPY uv.lock pyproject.toml ./", "[builder 4/4] RUN <<EOF (uv sync...)"), []int{0, 0, 5, 8}},
		{"another frontend", steps("[builder 1/9] RUN a", "[other 1/1] RUN a", "[builder 2/3] RUN a"), []int{0, 0, 0}},
	} {
		locate(c.steps, all)
		if d := cmp.Diff(c.want, lines(c.steps)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	here := steps("[builder 3/3] RUN <<EOF (uv sync...)")
	if locate(here, all); here[0].Instruction != "RUN <<EOF\nuv sync\nuv cache prune\nEOF" {
		t.Errorf("the here-document is %q", here[0].Instruction)
	}
	// One stage without a name: BuildKit prints none.
	one := steps("[1/2] FROM x", "[2/2] RUN b")
	if locate(one, instructions(dockerfile(t, "FROM x\nENV a=b\nRUN b\n"))); one[0].Line != 0 || one[1].Line != 3 {
		t.Errorf("%+v", one)
	}
}

func TestShow(t *testing.T) {
	file := dockerfile(t, "FROM x\nCOPIE a b\nRUN c\n")
	want := []string{"Dockerfile:2", "--------------------", "   1 |     FROM x", "   2 | >>> COPIE a b", "   3 |     RUN c", "   4 |     ", "--------------------"}
	for _, message := range []string{"dockerfile parse error line 2: unknown instruction: COPIE", "dockerfile parse error on line 2: unknown instruction: COPIE"} {
		if d := cmp.Diff(want, show(file, message, nil)); d != "" {
			t.Errorf("%s: %s", message, d)
		}
	}
	steps := []evidence.BuildStep{{Name: "a", Line: 1}, {Name: "b", Line: 3, Error: "exit code: 1"}}
	if got := show(file, "exit code: 1", steps); len(got) < 2 || got[0] != "Dockerfile:3" && got[0] != "Dockerfile:2" {
		t.Errorf("%q", got)
	}
	if got := show(file, "no such host", nil); got != nil {
		t.Errorf("%q", got)
	}
	if got := show(file, "parse error line 99: x", nil); got != nil {
		t.Errorf("%q", got)
	}
}

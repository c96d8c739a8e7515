package check

import (
	"fmt"
	"slices"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func stepsOf(instructions ...string) []evidence.BuildStep {
	var out []evidence.BuildStep
	for i, s := range instructions {
		step := cachedStep(s)
		step.Name = fmt.Sprintf("[builder %d/%d] %s", i+1, len(instructions), s)
		out = append(out, step)
	}
	return out
}

func TestSourceChange(t *testing.T) {
	for _, x := range []struct {
		name  string
		b     contract.Build
		files []string
		steps []string
		want  []string
	}{
		{"files that the contract names", contract.Build{Context: "api", SourceFile: "api/a.go", SourceFiles: []string{"api/cmd/b.go"}}, []string{"a.go", "x.go"},
			[]string{"COPY go.mod .", "RUN go mod download", "COPY . ."}, []string{"a.go", "cmd/b.go"}},
		{"folders and endings that differ", contract.Build{Context: "."}, []string{"go.mod", "cmd/a.go", "cmd/b.go", "internal/a.go", "internal/s.sql", "internal/deep/b.go", "web/a.ts", "README.md", "logo.png"},
			[]string{"COPY go.mod .", "RUN go mod download", "COPY . ."}, []string{"cmd/a.go", "internal/a.go", "internal/s.sql", "web/a.ts"}},
		{"several of one folder", contract.Build{Context: "."}, []string{"app/a.py", "app/b.py", "app/c.py", "app/d.py"}, []string{"RUN pip install x==1", "COPY app app"}, []string{"app/a.py", "app/b.py", "app/c.py"}},
		{"no more than a few", contract.Build{Context: "."}, []string{"a/1.go", "b/1.go", "c/1.go", "d/1.go", "e/1.go", "f/1.go", "g/1.go"},
			[]string{"RUN go mod download", "COPY . ."}, []string{"a/1.go", "b/1.go", "c/1.go", "d/1.go", "e/1.go"}},
		{"what is copied before the dependencies comes first", contract.Build{Context: "."}, []string{"a.py", "b.py", "build-time.txt", "requirements.txt"},
			[]string{"ADD build-time.txt /", "COPY requirements.txt .", "RUN pip install -r requirements.txt", "COPY . ."}, []string{"build-time.txt", "a.py", "b.py"}},
		{"what an installation reads is no source", contract.Build{Context: "."}, []string{".npmrc", "package.json", "package-lock.json", "patches/x.patch", "prisma/schema.prisma", "README.md", "LICENSE", "src/a.js"},
			[]string{"COPY . .", "RUN npm ci"}, []string{"src/a.js"}},
		{"nor is what lies about", contract.Build{Context: "."}, []string{".git/config.py", "node_modules/x/a.js", "a.js-", ".env", "Dockerfile", "b.js"},
			[]string{"COPY package.json .", "RUN npm ci", "COPY . ."}, []string{"b.js"}},
		{"no source is copied", contract.Build{Context: "."}, []string{"package.json", "a.js-"}, []string{"COPY package.json .", "RUN npm ci"}, nil},
		{"no dependencies", contract.Build{Context: ".", SourceFile: "a.go"}, []string{"a.go"}, []string{"COPY . .", "RUN make"}, nil},
		{"bad expression", contract.Build{Context: ".", DependencySteps: []string{"("}}, []string{"a.go"}, []string{"COPY . .", "RUN npm ci"}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			steps := stepsOf(x.steps...)
			got := SourceChange(x.b, evidence.Build{Steps: steps}, *contextWith(x.files...))
			if !slices.Equal(got.Files, x.want) {
				t.Errorf("changes %v, want %v", got.Files, x.want)
			}
			if x.want != nil && (got.Matters(steps[len(steps)-1]) && x.steps[len(steps)-1] == "COPY . ." || !slices.ContainsFunc(steps, got.Matters)) {
				t.Error("the wrong steps matter")
			}
		})
	}
}

func TestInvalidates(t *testing.T) {
	first := evidence.Build{Steps: stepsOf("COPY . .", "RUN npm ci")}
	again := func(instruction string, ran bool) evidence.Rebuild {
		steps := stepsOf(instruction, "RUN npm ci")
		for i := range steps {
			steps[i].Cached = !ran
		}
		return evidence.Rebuild{Steps: steps}
	}
	for _, x := range []struct {
		name string
		r    evidence.Rebuild
		want bool
	}{
		{"all cached", again("COPY . .", false), false},
		{"by a copy", again("COPY . .", true), true},
		{"by what changes itself", again("ADD https://time.example/now /", true), false},
	} {
		if got := Invalidates(contract.Build{}, first, x.r); got != x.want {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}

func TestTakes(t *testing.T) {
	for _, x := range []struct{ instruction, takes, leaves string }{
		{"COPY . .", "a.go cmd/b.go", ""},
		{"COPY ./ /src/", "a.go", ""},
		{"COPY go.mod go.sum ./", "go.mod go.sum", "go.work api/go.mod"},
		{"COPY cmd /src/cmd", "cmd/a.go cmd/x/b.go cmd/", "cmda/a.go a.go"},
		{"COPY *.json ./", "a.json", "x/a.json a.js"},
		{"COPY package*.json /app/", "package.json package-lock.json", "x"},
		{"COPY --chown=1:1 --link src ./", "src/a", "a"},
		{"COPY --exclude=*.md --exclude=doc . .", "a.go", "README.md doc/a.go"},
		{`COPY ["a file", "b", "/dst"]`, "b", "dst"},
		{"COPY --from=builder /out /out", "", "out/a"},
		{"COPY <<EOF /etc/x\na b\nEOF", "", "a etc/x"},
		{"ADD https://x.example/a.tgz /", "", "a.tgz"},
		{"ADD app.tar.gz /", "app.tar.gz", "x"},
		{"add a /", "a", "b"},
		{"ONBUILD COPY . .", "a", ""},
		{"RUN --mount=type=bind,target=. npm ci", "a package.json", ""},
		{"RUN --mount=target=. npm ci", "a", ""},
		{"RUN --mount=type=bind,source=package.json,target=package.json --mount=type=cache,target=/x npm ci", "package.json", "x a"},
		{"RUN --mount=type=bind,src=web/,dst=/web npm ci", "web/a", "a"},
		{"RUN --mount=type=bind,from=deps,source=/a,target=/a npm ci", "", "a"},
		{"RUN --mount=type=secret,id=a --mount=type=cache,target=a cat a", "", "a"},
		{"RUN npm ci", "", "a"},
		{"WORKDIR /a", "", "a"},
	} {
		got := takes(evidence.BuildStep{Instruction: x.instruction})
		for _, p := range split(x.takes) {
			if !got.has(p) {
				t.Errorf("%s leaves %s", x.instruction, p)
			}
		}
		for _, p := range split(x.leaves) {
			if got.has(p) {
				t.Errorf("%s takes %s", x.instruction, p)
			}
		}
	}
	if !takes(evidence.BuildStep{Instruction: "ADD https://x.example/a b /"}).remote || takes(evidence.BuildStep{Instruction: "COPY a b /"}).remote {
		t.Error("what is fetched is not told from what is copied")
	}
}

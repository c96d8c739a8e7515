package check

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// relocked is a build of these steps, and another one with other content in files.
func relocked(c *evidence.BuildContext, files []string, steps ...evidence.BuildStep) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Context = c
		e.Build.Steps = steps
		e.LockRebuild = &evidence.Rebuild{Files: files, Seconds: 1, Steps: steps}
	})
}

func runs(name string) evidence.BuildStep {
	s := ranStep(name)
	s.Completed = false // ended early
	return s
}

var lockfileExamples = []example{
	{name: "runs again", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"1 dependency step ran again (go) after a change of api/go.mod"}},
	{name: "ended as soon as it started", c: goodContract(), want: Pass, e: relocked(contextWith("uv.lock", "pyproject.toml", "app/a.py"), []string{"uv.lock"},
		ranStep("COPY uv.lock pyproject.toml ./"), runs("RUN uv sync --frozen --no-install-project"), cachedStep("COPY . ."))},
	{name: "only bind mounts and a cache mount", c: goodContract(), want: Pass, e: relocked(contextWith("package-lock.json", "package.json", "a.js"), []string{"package-lock.json"},
		runs("RUN --mount=type=bind,source=package-lock.json,target=package-lock.json --mount=type=bind,source=package.json,target=package.json --mount=type=cache,target=/root/.npm npm ci"), cachedStep("COPY . ."))},
	{name: "the lock file comes later", c: goodContract(), want: Fail, says: []string{`api/package-lock.json had changed: it does not see the file, which only "COPY . ." takes`}, e: relocked(contextWith("package-lock.json", "package.json", "a.js"), []string{"package-lock.json"},
		cachedStep("COPY package.json ./"), cachedStep("RUN npm install"), ranStep("COPY . ."))},
	{name: "a stale copy from another image", c: goodContract(), want: Fail, says: []string{"RUN bundle install", "came from the cache"}, e: relocked(contextWith("Gemfile", "Gemfile.lock", "app.rb"), []string{"Gemfile.lock"},
		cachedStep("COPY --from=registry.example/deps /Gemfile /Gemfile.lock ./"), cachedStep("RUN bundle install"), ranStep("COPY . ."))},
	{name: "the second of two does not", c: goodContract(), want: Fail, says: []string{"RUN npm ci"}, hides: []string{"RUN go mod download: it came"}, e: relocked(contextWith("go.mod", "web/package-lock.json", "web/package.json"), []string{"go.mod", "web/package-lock.json"},
		ranStep("COPY go.mod ./"), ranStep("RUN go mod download"), evidence.BuildStep{Name: "[web] RUN npm ci", Stage: "web", Instruction: "RUN npm ci", Cached: true, Started: true},
		evidence.BuildStep{Name: "[web] COPY web .", Stage: "web", Instruction: "COPY web .", Started: true})},
	{name: "one that waits for another", c: goodContract(), want: Pass, says: []string{"2 dependency steps"}, e: relocked(contextWith("requirements.txt", "requirements-web.txt"), []string{"requirements-web.txt", "requirements.txt"},
		ranStep("COPY requirements.txt requirements-web.txt ./"), runs("RUN pip install -r requirements.txt"), evidence.BuildStep{Name: "[builder] RUN pip install -r requirements-web.txt", Stage: "builder", Instruction: "RUN pip install -r requirements-web.txt"})},
	{name: "named by the contract", c: contractWith(func(c *contract.Contract) { c.Build.DependencySteps = []string{"make deps"} }), want: Fail, says: []string{"make deps"},
		e: relocked(contextWith("go.mod"), []string{"go.mod"}, cachedStep("COPY go.mod ."), cachedStep("RUN make deps"))},
	{name: "distribution packages alone", c: goodContract(), want: Skipped, says: []string{"(apt)"}, e: relocked(contextWith("a.go"), nil, ranStep("RUN apt-get install -y libpq5"), ranStep("COPY . ."))},
	{name: "nothing is installed", c: goodContract(), want: Skipped, e: relocked(contextWith("a.go"), nil, ranStep("COPY . ."))},
	{name: "never reached", c: goodContract(), want: Inconclusive, says: []string{"its fate is not known", "the daemon went away"}, e: with(func(e *evidence.Evidence) {
		e.LockRebuild.Steps, e.LockRebuild.Error = e.LockRebuild.Steps[:2], "the daemon went away"
	})},
	{name: "bad expression", c: contractWith(func(c *contract.Contract) { c.Build.DependencySteps = []string{"("} }), e: goodEvidence(), want: Inconclusive},
	{name: "no build", c: contract.Contract{}, e: evidence.Evidence{}, want: Skipped},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionLockRebuild, func(e *evidence.Evidence) { e.LockRebuild = nil }), want: Inconclusive},
	{name: "no context", c: goodContract(), e: without(evidence.SectionContext, func(e *evidence.Evidence) { e.Context = nil }), want: Inconclusive},
}

func TestLockFilesOf(t *testing.T) {
	for _, x := range []struct {
		name  string
		files []string
		steps []string
		want  string
	}{
		{"go's versions are in go.mod", []string{"go.mod", "go.sum", "a.go"}, []string{"COPY go.mod go.sum ./", "RUN go mod download", "COPY . ."}, "go.mod"},
		{"the lock file before the manifest", []string{"uv.lock", "pyproject.toml"}, []string{"COPY uv.lock pyproject.toml ./", "RUN uv sync --frozen"}, "uv.lock"},
		{"a lock file that comes too late", []string{"package-lock.json", "package.json"}, []string{"COPY package.json ./", "RUN npm install", "COPY . ."}, "package-lock.json"},
		{"one that nothing copies", []string{"package-lock.json-", "package.json"}, []string{"COPY package.json ./", "RUN npm install"}, "package.json"},
		{"requirements by folder", []string{"requirements/base-requirements.txt", "setup.py"}, []string{"COPY requirements /r", "COPY setup.py .", "RUN pip install -r /r/base-requirements.txt"}, "requirements/base-requirements.txt"},
		{"the machine's packages for Python", []string{"requirements.txt"}, []string{"COPY requirements.txt ./", "RUN python3 -m venv --system-site-packages .venv"}, "requirements.txt"},
		{"a binary lock file stays as it is", []string{"bun.lockb", "package.json"}, []string{"COPY . .", "RUN bun install"}, "package.json"},
		{"one beside another that a later instruction copies", []string{"requirements.txt", "docs/requirements.txt"}, []string{"COPY requirements.txt ./", "RUN pip install -r requirements.txt", "COPY . ."}, "requirements.txt"},
		{"none that it sees", []string{"go.mod", "a.go"}, []string{"RUN go mod download", "COPY . ."}, "go.mod"},
		{"packages by name", []string{"requirements.txt"}, []string{"COPY requirements.txt ./", "RUN pip install fastapi==0.1"}, ""},
		{"a tool", []string{"package-lock.json"}, []string{"COPY . .", "RUN npm install -g pnpm"}, ""},
		{"a Go tool", []string{"go.mod"}, []string{"COPY . .", "RUN go install golang.org/x/vuln/cmd/govulncheck@v1.1.4"}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			var steps []evidence.BuildStep
			for _, s := range x.steps {
				steps = append(steps, cachedStep(s))
			}
			change := LockChange(contract.Build{Context: "."}, evidence.Build{Steps: steps}, *contextWith(x.files...))
			if got := list(change.Files); got != x.want {
				t.Errorf("%q decide, want %q", got, x.want)
			}
			for _, s := range steps {
				deps, _ := dependencySteps([]evidence.BuildStep{s}, nil)
				if got := change.Matters(s); got != (len(deps) > 0 && x.want != "") {
					t.Errorf("%s matters: %v", s.Name, got)
				}
			}
		})
	}
}

package check

import (
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func split(s string) []string { return strings.Fields(s) }

// installed is a build of instructions with files in the context.
func installed(files string, instructions ...string) evidence.Evidence {
	return offered(contextWith(split(files)...), instructions...)
}

// requires sets what requirements.txt of the context names.
func requires(r evidence.Requirements, instructions ...string) evidence.Evidence {
	e := installed("requirements.txt a.py", instructions...)
	e.Context.Entries[0].Requirements = &r
	return e
}

// under puts ENV before the build's instructions.
func under(env string, e evidence.Evidence) evidence.Evidence {
	e.Build.Instructions = []evidence.Instruction{{Line: 1, Stage: "builder", Text: "FROM x AS builder"}, {Line: 2, Stage: "builder", Text: "ENV " + env}}
	for i := range e.Build.Steps {
		e.Build.Steps[i].Line = 3 + i
	}
	return e
}

const pipInstall = "RUN pip install --no-cache-dir -r requirements.txt"

var frozenExamples = []example{
	{name: "go", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Frozen dependencies OK (go)"}},
	{name: "go without go.sum", c: goodContract(), want: Fail, says: []string{"without checksums", "no go.sum or go.work.sum in the context"}, e: installed("go.mod", "COPY go.mod .", "RUN go mod download")},
	{name: "go.sum comes later", c: goodContract(), want: Fail, says: []string{`it does not see go.sum, which only "COPY . ." takes`}, e: installed("go.mod go.sum", modulesFirst...)},
	{name: "go.sum by a bind mount", c: goodContract(), want: Pass, e: installed("go.mod go.sum", "RUN --mount=type=bind,source=go.sum,target=go.sum --mount=type=bind,source=go.mod,target=go.mod go mod download")},
	{name: "npm ci", c: goodContract(), want: Pass, says: []string{"(npm)"}, e: installed("package.json package-lock.json", "COPY package*.json .", "RUN npm ci --omit=dev")},
	{name: "npm install", c: goodContract(), want: Fail, says: []string{"[builder 2/2] RUN npm install", "npm ci, with package-lock.json"}, e: installed("package.json", "COPY package.json .", "RUN npm install --omit=dev")},
	{name: "one of several lock files", c: goodContract(), want: Pass, e: installed("package.json yarn.lock", "COPY . .",
		"RUN if [ -f yarn.lock ]; then yarn --frozen-lockfile; elif [ -f package-lock.json ]; then npm ci; elif [ -f pnpm-lock.yaml ]; then corepack enable pnpm && pnpm i --frozen-lockfile; else exit 1; fi")},
	{name: "yarn without its lock file", c: goodContract(), want: Fail, says: []string{"no yarn.lock"}, e: installed("package.json", "COPY . .", "RUN yarn --frozen-lockfile")},
	{name: "yarn in a CI", c: goodContract(), want: Pass, e: under("CI=true", installed("package.json yarn.lock", "COPY . .", "RUN yarn install"))},
	{name: "pnpm offline after a fetch", c: goodContract(), want: Pass, e: installed("pnpm-lock.yaml", "COPY pnpm-lock.yaml .", "RUN pnpm fetch --prod", "COPY . .", "RUN pnpm install -r --offline --prod")},
	{name: "uv", c: goodContract(), want: Pass, e: installed("uv.lock pyproject.toml", "COPY . .", "RUN uv sync --locked --no-dev")},
	{name: "uv unlocked", c: goodContract(), want: Fail, says: []string{"writes a new uv.lock"}, e: installed("uv.lock pyproject.toml", "COPY . .", "RUN uv sync --no-dev")},
	{name: "uv by a variable", c: goodContract(), want: Pass, e: under("UV_FROZEN=1 UV_COMPILE_BYTECODE=1", installed("uv.lock", "COPY . .", "RUN uv sync --no-dev"))},
	{name: "uv by a variable that is off", c: goodContract(), want: Fail, e: under("UV_FROZEN=0", installed("uv.lock", "COPY . .", "RUN uv sync --no-dev"))},
	{name: "uv by a variable of the command", c: goodContract(), want: Pass, e: installed("uv.lock", "COPY . .", "RUN export UV_LOCKED=1 && uv sync --no-dev")},
	{name: "in a here-document", c: goodContract(), want: Pass, e: installed("uv.lock", "COPY . .", "RUN <<EOF\nset -e\nuv sync --frozen\nEOF")},
	{name: "locks in the build", c: goodContract(), want: Fail, says: []string{"`uv lock` chooses versions anew"}, e: installed("pyproject.toml", "COPY . .", "RUN uv lock && uv sync --frozen")},
	{name: "checks the lock in the build", c: goodContract(), want: Pass, e: installed("uv.lock", "COPY . .", "RUN uv lock --check && uv sync --frozen")},
	{name: "poetry", c: goodContract(), want: Pass, says: []string{"the version is pinned, those of what it depends on are not"}, e: installed("poetry.lock pyproject.toml", "RUN pip install poetry==1.8.3", "COPY poetry.lock pyproject.toml ./", "RUN poetry install --only main --no-root")},
	{name: "poetry without its lock file", c: goodContract(), want: Fail, says: []string{"resolves all versions anew"}, e: installed("poetry.lock- pyproject.toml", "COPY pyproject.toml ./", "RUN poetry install")},
	{name: "bundler", c: goodContract(), want: Pass, e: installed("Gemfile Gemfile.lock", "COPY Gemfile Gemfile.lock ./", "RUN bundle install")},
	{name: "composer", c: goodContract(), want: Pass, e: installed("composer.json composer.lock", "COPY composer.* ./", "RUN composer install --no-dev")},
	{name: "cargo", c: goodContract(), want: Pass, e: installed("Cargo.toml Cargo.lock", "COPY . .", "RUN cargo build --release --locked")},
	{name: "cargo unlocked", c: goodContract(), want: Fail, says: []string{"cargo … --locked"}, e: installed("Cargo.toml Cargo.lock", "COPY . .", "RUN cargo build --release")},
	{name: "cargo fetched as locked", c: goodContract(), want: Pass, says: []string{"comes after a frozen install"}, e: installed("Cargo.toml Cargo.lock", "COPY Cargo.* ./", "RUN cargo fetch --locked", "COPY . .", "RUN cargo build --release")},
	{name: "maven", c: goodContract(), want: Pass, says: []string{"no SNAPSHOT"}, e: installed("pom.xml", "COPY pom.xml .", "RUN mvn -B dependency:go-offline")},
	{name: "mix", c: goodContract(), want: Fail, says: []string{"no mix.lock"}, e: installed("mix.exs", "COPY . .", "RUN mix deps.get")},
	{name: "conda", c: goodContract(), want: Pass, e: installed("conda-lock.yml", "COPY . .", "RUN micromamba create -n app -f conda-lock.yml")},

	{name: "hashes", c: goodContract(), want: Pass, says: []string{"(pip)"}, e: requires(evidence.Requirements{Names: 9, Pinned: 9, Hashed: 9}, "COPY requirements.txt .", pipInstall)},
	{name: "hashes are demanded", c: goodContract(), want: Pass, e: installed("a.py", "COPY --from=x /requirements.txt .", "RUN pip install --require-hashes -r requirements.txt")},
	{name: "pinned by a compiler", c: goodContract(), want: Pass, says: []string{"add them with --generate-hashes"}, e: requires(evidence.Requirements{Names: 9, Pinned: 9, Compiled: true}, "COPY requirements.txt .", pipInstall)},
	{name: "pinned by hand", c: goodContract(), want: Fail, says: []string{"pins 9 packages without hashes"}, e: requires(evidence.Requirements{Names: 9, Pinned: 9}, "COPY requirements.txt .", pipInstall)},
	{name: "pinned, and no more than that", c: goodContract(), want: Pass, e: requires(evidence.Requirements{Names: 9, Pinned: 9}, "COPY requirements.txt .", "RUN pip install --no-deps -r requirements.txt")},
	{name: "not pinned", c: goodContract(), want: Fail, says: []string{"pins 3 of 9 packages", "--require-hashes"}, e: requires(evidence.Requirements{Names: 9, Pinned: 3}, "COPY requirements.txt .", "RUN uv pip install --system -r requirements.txt")},
	{name: "exported from a lock file", c: goodContract(), want: Pass, e: installed("poetry.lock", "COPY . .", "RUN poetry export -o /requirements.txt", "COPY --from=locks /requirements.txt .", "RUN pip install -r requirements.txt")},
	{name: "requirements from elsewhere", c: goodContract(), want: Inconclusive, says: []string{"its pins cannot be seen"}, e: installed("a.py", "COPY --from=x /requirements.txt .", pipInstall)},
	{name: "packages by name", c: goodContract(), want: Fail, says: []string{"fastapi and uvicorn[standard]>=0.3 without a version"}, e: installed("a.py", `RUN pip install fastapi "uvicorn[standard]>=0.3" httpx==0.28.1`)},
	{name: "a project without a lock", c: goodContract(), want: Fail, says: []string{"without a lock file"}, e: installed("pyproject.toml", "COPY . .", "RUN pip install .")},
	{name: "a project after its locked dependencies", c: goodContract(), want: Pass, e: requires(evidence.Requirements{Names: 1, Pinned: 1, Hashed: 1}, "COPY requirements.txt .", pipInstall, "COPY . .", "RUN pip install .")},
	{name: "wheels that were made before", c: goodContract(), want: Pass, e: requires(evidence.Requirements{Names: 1, Pinned: 1, Hashed: 1}, "COPY requirements.txt .", "RUN pip wheel -w /wheels -r requirements.txt", "RUN pip install --no-cache /wheels/*")},
	{name: "tools alone", c: goodContract(), want: Skipped, says: []string{"the tool's version is not pinned: pip and setuptools"}, e: installed("a.py", "RUN pip install --upgrade pip setuptools", "RUN go install golang.org/x/tools/cmd/stringer@latest")},
	{name: "the distribution's packages alone", c: goodContract(), want: Skipped, says: []string{"packages of the distribution have no lock file"}, e: installed("requirements.txt", "RUN apt-get install -y python3-fastapi", "COPY requirements.txt ./", "RUN python3 -m venv --system-site-packages --without-pip .venv")},
	{name: "named by the contract", c: contractWith(func(c *contract.Contract) { c.Build.DependencySteps = []string{"make deps"} }), want: Skipped, says: []string{"RUN make deps"}, e: installed("a.py", "RUN make deps")},
	{name: "nothing is installed", c: goodContract(), want: Skipped, e: installed("a.py", "COPY . .")},
	{name: "the build failed", c: goodContract(), want: Inconclusive, e: with(func(e *evidence.Evidence) { e.Build.Error = "exit code: 1" })},
	{name: "a secret on the command line", c: goodContract(), want: Fail, e: installed("a.py", "RUN pip install --index-url https://bot:"+planted+"@pypi.example/simple fastapi")},
	{name: "no build", c: contract.Contract{}, e: evidence.Evidence{}, want: Skipped},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionBuild, func(e *evidence.Evidence) { e.Build = nil }), want: Inconclusive},
	{name: "no context", c: goodContract(), e: without(evidence.SectionContext, func(e *evidence.Evidence) { e.Context = nil }), want: Inconclusive},
}

// The line of the Dockerfile is named where it is known.
func TestFrozenNamesTheLine(t *testing.T) {
	j := judgeFrozenDependencies(goodContract(), under("A=b", installed("package.json", "COPY . .", "RUN npm install")))
	if !strings.HasPrefix(j.Seen, "api/Dockerfile.prod:4, [builder 2/2] RUN npm install: ") {
		t.Error(j.Seen)
	}
}

func TestInstalls(t *testing.T) {
	for command, want := range map[string][]install{
		"pip install -r a.txt -rb.txt --requirement=c.txt -c d.txt e==1":    {{manager: "pip", files: []string{"a.txt", "b.txt", "c.txt"}, names: []string{"e==1"}}},
		"pip install --index-url https://x -t /t -e . ./y z.whl >/dev/null": {{manager: "pip", paths: []string{".", "./y", "z.whl"}}},
		"uv sync --frozen && uv pip install $X x":                           {{manager: "uv"}, {manager: "uv", names: []string{"x"}}},
		"uv pip sync a.txt":                                             {{manager: "uv", files: []string{"a.txt"}}},
		"npm ci; npm i -g a@1.0.0 --prefix /x":                          {{manager: "npm"}, {manager: "npm", names: []string{"a@1.0.0"}}},
		"go mod download && go install a.b/c@v1.2.3 && go get d@latest": {{manager: "go"}, {manager: "go", names: []string{"a.b/c@v1.2.3"}}, {manager: "go", names: []string{"d@latest"}}},
		"apt-get install -y x && make":                                  nil,
	} {
		got := installs(command)
		for i := range got {
			got[i].command, got[i].words = "", nil
		}
		if !slices.EqualFunc(got, want, func(a, b install) bool {
			return a.manager == b.manager && slices.Equal(a.names, b.names) && slices.Equal(a.files, b.files) && slices.Equal(a.paths, b.paths)
		}) {
			t.Errorf("%s: %+v, want %+v", command, got, want)
		}
	}
	for name, want := range map[string]bool{"a==1.0": true, "a===1": true, "a==1.*": false, "a": false, "a>=1": false, "a[b]==2.1": true, "a@1.2.3": true, "@s/a@1.2.3": true,
		"@s/a": false, "a@latest": false, "a@^1.2.3": false, "a@v1.2.3": true, "a@0123456789012345678901234567890123456789": true} {
		if isPinned(name) != want {
			t.Errorf("%s is pinned: %v", name, !want)
		}
	}
	for name, want := range map[string]string{"uvicorn[standard]>=1": "uvicorn", "@vue/cli@5": "@vue/cli", "a==1": "a", "pnpm@9": "pnpm"} {
		if got := bareName(name); got != want {
			t.Errorf("%s is called %s, want %s", name, got, want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	instructions := []evidence.Instruction{
		{Line: 1, Text: "ARG A=0"}, {Line: 2, Stage: "base", Text: "FROM --platform=linux/amd64 x AS base"}, {Line: 3, Stage: "base", Text: "ENV B=1 C=\"two words\""},
		{Line: 4, Stage: "app", Text: "FROM base AS app"}, {Line: 5, Stage: "app", Text: "ARG D=3"}, {Line: 7, Stage: "app", Text: "ENV E=4"},
		{Line: 8, Stage: "loop", Text: "FROM loop AS loop"},
	}
	got := environment(instructions, evidence.BuildStep{Stage: "app", Line: 6})
	if len(got) != 3 || got["B"] != "1" || got["C"] != "two words" || got["D"] != "3" {
		t.Errorf("%v", got)
	}
	if got := environment(instructions, evidence.BuildStep{Stage: "loop", Line: 9}); len(got) != 0 {
		t.Errorf("%v", got)
	}
	if got := environment([]evidence.Instruction{{Line: 1, Stage: "stage-0", Text: "FROM x"}, {Line: 2, Stage: "stage-0", Text: "ENV A 1"}}, evidence.BuildStep{Line: 3}); got["A"] != "1" {
		t.Errorf("one stage without a name: %v", got)
	}
}

package check

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func failedBuild(err string) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Build.Error = err })
}

var buildExamples = []example{
	{name: "builds", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Build OK", "6 steps, 1 from the cache"}},
	{name: "no Dockerfile", c: goodContract(), want: Fail, says: []string{"api/Dockerfile.prod is not there", "Put api/Dockerfile.prod back"},
		e: with(func(e *evidence.Evidence) { e.Build = &evidence.Build{MissingPath: "api/Dockerfile.prod"} })},
	{name: "a step fails", c: goodContract(), want: Fail, says: []string{"step [builder 3/5] RUN go mod download", "exit code: 1", "no such host", "[masked:"}, e: with(func(e *evidence.Evidence) {
		e.Build.Error = "process \"/bin/sh -c go mod download\" did not complete successfully: exit code: 1"
		e.Build.Steps[3].Error = "exit code: 1"
		e.Build.Log = []string{"go: git clone https://bot:" + planted + "@git.example/x", "dial tcp: lookup proxy.example: no such host"}
	})},
	{name: "base image", c: goodContract(), e: failedBuild("docker.io/library/golang:1.26-bookworm: failed to resolve source metadata: dial tcp: i/o timeout"), want: Fail, says: []string{"base image could not be pulled"}},
	{name: "syntax", c: goodContract(), want: Fail, says: []string{"syntax at the line", "Dockerfile.prod:4: \n   3 |     FROM x\n   4 | >>> RUM --token [masked:"}, e: with(func(e *evidence.Evidence) {
		e.Build.Error = "dockerfile parse error on line 4: unknown instruction: RUM"
		e.Build.Source = []string{"Dockerfile.prod:4", "----", "   3 |     FROM x", "   4 | >>> RUM --token " + planted, "----"}
	})},
	{name: "a frontend that cannot be pulled", c: goodContract(), want: Fail, says: []string{"# syntax="}, e: with(func(e *evidence.Evidence) {
		e.Build.Error = "failed to do request: dial tcp: i/o timeout"
		e.Build.Steps = []evidence.BuildStep{{Name: "resolve image config for docker.io/docker/dockerfile:1", Started: true, Error: "i/o timeout"}}
	})},
	{name: "not in the context", c: goodContract(), e: failedBuild(`failed to compute cache key: "/go.sum" not found`), want: Fail, says: []string{".dockerignore"}},
	{name: "not built by this run", c: contract.Contract{}, e: evidence.Evidence{}, want: Skipped, says: []string{"not built by this run"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionBuild, func(e *evidence.Evidence) { e.Build = nil }), want: Inconclusive},
}

// unnamed names no source file.
func unnamed() contract.Contract {
	return contractWith(func(c *contract.Contract) { c.Build.SourceFile = "" })
}

// rebuilt replaces the steps of the second build.
func rebuilt(steps ...evidence.BuildStep) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Build.Steps = nil
		e.Rebuild.Steps = steps
	})
}

func cachedStep(name string) evidence.BuildStep {
	return evidence.BuildStep{Name: "[builder] " + name, Stage: "builder", Instruction: name, Cached: true, Started: true, Completed: true}
}

// argued is a build in which nothing but the source ran again, of a Dockerfile with these
// instructions before the step that installs, or around it.
func argued(install string, instructions ...string) evidence.Evidence {
	e := rebuilt(cachedStep(install), ranStep("COPY . ."))
	e.Build.Instructions = []evidence.Instruction{{Line: 1, Stage: "builder", Text: "FROM node AS builder"}}
	line := 0
	for i, text := range instructions {
		e.Build.Instructions = append(e.Build.Instructions, evidence.Instruction{Line: i + 2, Stage: "builder", Text: text})
		if text == install {
			line = i + 2
		}
	}
	if line == 0 {
		line = len(instructions) + 2
	}
	e.Rebuild.Steps[0].Line = line
	return e
}

// builtOn has a stage install on top of one with these instructions.
func builtOn(install string, base ...string) evidence.Evidence {
	e := argued(install)
	all := []evidence.Instruction{{Line: 1, Stage: "base", Text: "FROM node AS base"}}
	for _, text := range base {
		all = append(all, evidence.Instruction{Line: len(all) + 1, Stage: "base", Text: text})
	}
	e.Build.Instructions = append(all, evidence.Instruction{Line: len(all) + 1, Stage: "builder", Text: "FROM base AS builder"})
	e.Rebuild.Steps[0].Line = len(all) + 2
	return e
}

func ranStep(name string) evidence.BuildStep {
	s := cachedStep(name)
	s.Cached, s.Seconds = false, 7.5
	return s
}

var layerCachedExamples = []example{
	{name: "cached", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Dep layer cache hit confirmed (US3 OK)", "1 dependency step from the cache (go)", "COPY . ."}},
	{name: "source before dependencies", c: goodContract(), want: Fail, says: []string{"RUN go mod download", "ran again for 7.5 s", `"COPY . ."`},
		e: rebuilt(cachedStep("WORKDIR /src"), ranStep("COPY . ."), ranStep("RUN go mod download"))},
	{name: "by the graph, through another stage", c: goodContract(), want: Fail, says: []string{`"COPY . /src"`}, hides: []string{"COPY assets"}, e: rebuilt(
		evidence.BuildStep{Name: "[assets 2/2] COPY assets .", Stage: "builder", Digest: "other", Started: true},
		evidence.BuildStep{Name: "[src 1/1] COPY . /src", Stage: "src", Digest: "src", Started: true},
		evidence.BuildStep{Name: "[builder 2/3] COPY --from=src /src .", Stage: "builder", Digest: "copy", Inputs: []string{"src"}, Started: true},
		evidence.BuildStep{Name: "[builder 3/3] RUN npm ci", Stage: "builder", Digest: "npm", Inputs: []string{"copy"}, Started: true})},
	{name: "says how long it took before, and by which file", want: Fail, says: []string{"api/Dockerfile.prod:9, [builder] RUN npm ci: it ran again (it had taken 41.0 s)",
		`after "COPY package.json VERSION ./" (line 8), which holds api/VERSION`}, hides: []string{"which holds api/main.js"},
		c: contractWith(func(c *contract.Contract) { c.Build.SourceFile = "" }), e: with(func(e *evidence.Evidence) {
			copied, install := ranStep("COPY package.json VERSION ./"), ranStep("RUN npm ci")
			copied.Line, install.Line, install.Seconds = 8, 9, 41
			e.Build.Steps = []evidence.BuildStep{copied, install}
			install.Completed = false
			steps := []evidence.BuildStep{copied, install}
			e.Rebuild = &evidence.Rebuild{Files: []string{"main.js", "VERSION"}, Steps: steps, EndedEarly: true, Alone: []evidence.Rebuild{
				{Files: []string{"main.js"}, Steps: []evidence.BuildStep{cachedStep("COPY package.json VERSION ./"), cachedStep("RUN npm ci")}},
				{Files: []string{"VERSION"}, Steps: steps}}}
		})},
	{name: "what comes after an installation has to run, too", c: goodContract(), want: Fail, says: []string{"it had to run again, after"}, e: rebuilt(ranStep("COPY . ."), ranStep("RUN npm ci"),
		evidence.BuildStep{Name: "[builder] RUN npm ci --prefix web", Stage: "builder", Instruction: "RUN npm ci --prefix web"})},
	{name: "a timestamp from the network", c: goodContract(), want: Fail, says: []string{`"ADD https://time.example/now /stamp", which downloads something that can change between builds`, "Fetch it after"}, hides: []string{"holds"},
		e: rebuilt(ranStep("ADD https://time.example/now /stamp"), ranStep("RUN npm ci"))},
	{name: "cache mount only", c: goodContract(), want: Fail, says: []string{`"COPY . ."`, "its cache mount spares downloads"},
		e: rebuilt(ranStep("COPY . ."), ranStep("RUN --mount=type=cache,target=/root/.npm npm ci"))},
	{name: "some files are no input", c: contractWith(func(c *contract.Contract) { c.Build.SourceFiles = []string{"api/doc.go"} }), want: Pass, says: []string{"api/doc.go: it is not an input"},
		e: with(func(e *evidence.Evidence) {
			e.Rebuild.Files, e.Rebuild.Unsent = []string{"main.go", "doc.go"}, []string{"doc.go"}
		})},
	{name: "ended early", c: goodContract(), want: Fail, e: rebuilt(ranStep("COPY . ."), evidence.BuildStep{Name: "RUN pip install -r requirements.txt", Stage: "builder", Started: true})},
	{name: "uv's project step runs again", c: goodContract(), want: Pass, says: []string{"(uv)"}, e: rebuilt(cachedStep("COPY pyproject.toml uv.lock ./"),
		cachedStep("RUN --mount=type=cache,target=/cache/uv uv sync --frozen --no-dev --no-install-project"), ranStep("COPY . ."), ranStep("RUN uv sync --frozen --no-dev"))},
	{name: "pip's project step runs again", c: goodContract(), want: Pass, e: rebuilt(cachedStep("RUN pip install --no-cache-dir -r requirements.txt"), ranStep("COPY . ."), ranStep("RUN pip install ."))},
	{name: "pip installs all with the project", c: goodContract(), want: Fail, e: rebuilt(cachedStep("RUN pip install --upgrade pip"), ranStep("COPY . ."), ranStep("RUN pip install ."))},
	{name: "a second requirements file after the source", c: goodContract(), want: Fail, e: rebuilt(cachedStep("RUN pip install -r base.txt"), ranStep("COPY . ."), ranStep("RUN pip install -r more.txt"))},
	{name: "cargo with a stand-in source", c: goodContract(), want: Pass, e: rebuilt(cachedStep("RUN cargo build --release"), ranStep("COPY src src"), ranStep("RUN cargo build --release"))},
	{name: "mvn that installs and builds", c: goodContract(), want: Fail, says: []string{"RUN mvn -q -B package: it ran again", `"COPY . ."`}, e: rebuilt(ranStep("COPY . ."), ranStep("RUN mvn -q -B package"))},
	{name: "mvn with its dependencies before", c: goodContract(), want: Pass, e: rebuilt(cachedStep("COPY pom.xml ."), cachedStep("RUN mvn -B dependency:go-offline"), ranStep("COPY src src"), ranStep("RUN mvn -o -B package"))},
	{name: "the same without -o", c: goodContract(), want: Pass, e: rebuilt(cachedStep("COPY pom.xml ."), cachedStep("RUN mvn -B dependency:resolve"), ranStep("COPY src src"), ranStep("RUN mvn -B package"))},
	{name: "mvn with a cache mount", c: goodContract(), want: Pass, says: []string{"its cache mount keeps what was downloaded on this builder"}, e: rebuilt(ranStep("COPY . ."), ranStep("RUN --mount=type=cache,target=/root/.m2 mvn -B package"))},
	{name: "gradle", c: goodContract(), want: Fail, e: rebuilt(ranStep("COPY . ."), ranStep("RUN ./gradlew bootJar"))},
	{name: "gradle with its dependencies before", c: goodContract(), want: Pass, e: rebuilt(cachedStep("COPY build.gradle ."), cachedStep("RUN gradle dependencies"), ranStep("COPY . ."), ranStep("RUN gradle build"))},
	{name: "dotnet publish", c: goodContract(), want: Fail, e: rebuilt(ranStep("COPY . ."), ranStep("RUN dotnet publish -c Release -o out"))},
	{name: "dotnet restore before the source", c: goodContract(), want: Pass, e: rebuilt(cachedStep("COPY *.csproj ."), cachedStep("RUN dotnet restore"), ranStep("COPY . ."), ranStep("RUN dotnet publish -c Release"))},
	{name: "a build argument of the commit above the install", c: goodContract(), want: Fail,
		says: []string{`"ARG GIT_SHA=unknown" (line 2) stands above it`, "whenever GIT_SHA has another value", `Move ARG GIT_SHA, and the ENV that takes it, below "RUN npm ci"`}, e: argued("RUN npm ci", "ARG GIT_SHA=unknown", "ENV GIT_SHA=$GIT_SHA")},
	{name: "one below it", c: goodContract(), want: Pass, hides: []string{"GIT_SHA"}, e: argued("RUN npm ci", "ARG NODE_ENV=production", "RUN npm ci", "ARG GIT_SHA")},
	{name: "one above packages of the distribution alone", c: goodContract(), want: Pass, says: []string{"BUILD_DATE"}, e: argued("RUN apt-get install -y curl", "ARG BUILD_DATE")},
	{name: "one in the stage that it is built on, which a step of that uses", c: goodContract(), want: Fail, says: []string{`"ARG GIT_SHA" (line 2) stands above it`}, e: builtOn("RUN npm ci", "ARG GIT_SHA", "RUN echo $GIT_SHA >/revision")},
	{name: "one that an ENV of it takes along", c: goodContract(), want: Fail, says: []string{`"ARG GIT_SHA" (line 2) stands above it`}, e: builtOn("RUN npm ci", "ARG GIT_SHA", "ENV REVISION=${GIT_SHA}")},
	{name: "one that ends with that stage", c: goodContract(), want: Pass, hides: []string{"GIT_SHA"}, e: builtOn("RUN npm ci", "RUN apt-get update", "ARG GIT_SHA", "ENV NODE_ENV=production")},
	{name: "named by the contract", c: contractWith(func(c *contract.Contract) { c.Build.DependencySteps = []string{`make deps`} }), want: Fail, says: []string{"make deps"},
		e: rebuilt(ranStep("COPY . ."), ranStep("RUN make deps"))},
	{name: "only system packages", c: goodContract(), want: Pass, says: []string{"if `make deps` installs dependencies"}, hides: []string{planted},
		e: rebuilt(cachedStep("RUN apt-get update && apt-get install -y libpq5"), ranStep("COPY . ."), ranStep("RUN make deps"))},
	{name: "own bind mount", c: goodContract(), e: rebuilt(ranStep("RUN --mount=type=bind,target=. npm ci")), want: Fail, says: []string{"bind mount"}},
	{name: "cache lost", c: goodContract(), want: Inconclusive, says: []string{"had lost it"}, e: rebuilt(evidence.BuildStep{Name: "[internal] load build context", Started: true, Stage: "builder"},
		cachedStep("COPY go.mod ."), ranStep("RUN go mod download"), ranStep("COPY . ."))},
	{name: "not an input", c: goodContract(), want: Inconclusive, says: []string{".dockerignore"}, e: rebuilt(buildSteps(true, true, true)...)},
	{name: "none recognised", c: goodContract(), want: Inconclusive, says: []string{"build.dependencySteps"}, e: rebuilt(ranStep("COPY . ."), ranStep("RUN make && apt-get update"))},
	{name: "never reached", c: goodContract(), want: Inconclusive, says: []string{"ended before it"}, e: with(func(e *evidence.Evidence) {
		e.Rebuild.Steps = e.Rebuild.Steps[:2]
		e.Rebuild.Error = "the daemon went away"
	})},
	{name: "ended before the change showed", c: goodContract(), want: Inconclusive, says: []string{"reached a step"}, e: with(func(e *evidence.Evidence) { e.Rebuild.Steps = e.Rebuild.Steps[:4] })},
	{name: "second build failed", c: goodContract(), want: Inconclusive, says: []string{"disk is full"}, e: with(func(e *evidence.Evidence) {
		e.Build.Steps, e.Rebuild.Steps, e.Rebuild.Error = nil, nil, "disk is full"
	})},
	{name: "bad expression", c: contractWith(func(c *contract.Contract) { c.Build.DependencySteps = []string{"("} }), e: goodEvidence(), want: Inconclusive},
	{name: "no build", c: contract.Contract{}, e: evidence.Evidence{}, want: Skipped},
	{name: "no source file", c: unnamed(), e: with(func(e *evidence.Evidence) { e.Rebuild.Files = nil }), want: Skipped, says: []string{"copies no source file"}},
	{name: "nothing is installed, and nobody says so", c: unnamed(), e: rebuilt(ranStep("COPY . ."), ranStep("RUN make")), want: Skipped, says: []string{"name it in build.dependencySteps"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionRebuild, func(e *evidence.Evidence) { e.Rebuild = nil }), want: Inconclusive},
}

func TestDependencySteps(t *testing.T) {
	for instruction, want := range map[string]string{
		"RUN go mod download && go mod verify":                      "go",
		"RUN --mount=type=cache,target=/go/pkg/mod go mod download": "go",
		"RUN go install golang.org/x/vuln/cmd/govulncheck@v1.1.4":   "go",
		"RUN go build ./...":                                                    "",
		"RUN go vet ./... && cargo getter":                                      "",
		"RUN uv sync --frozen":                                                  "uv",
		"RUN uv pip install --system -r requirements.txt":                       "uv",
		"RUN /app/.venv/bin/pip install --no-cache-dir fastapi":                 "pip",
		"RUN python3.12 -m pip install -r requirements.txt":                     "pip",
		"RUN pip --disable-pip-version-check install x":                         "pip",
		"RUN pip install --no-deps .":                                           "",
		"RUN pip install --no-deps -r requirements.txt":                         "pip",
		"RUN pip list && make install":                                          "",
		"RUN pipx ensurepath":                                                   "",
		"RUN python3 -m venv --system-site-packages /app/.venv":                 "venv",
		"RUN python3 -m venv /app/.venv":                                        "",
		"RUN poetry install --only main --no-root":                              "poetry",
		"RUN pipenv sync":                                                       "pipenv",
		"RUN npm ci --omit=dev":                                                 "npm",
		"RUN npm run build":                                                     "",
		"RUN yarn --frozen-lockfile":                                            "yarn",
		"RUN yarn":                                                              "yarn",
		"RUN yarn build":                                                        "",
		"RUN pnpm install --frozen-lockfile":                                    "pnpm",
		"RUN bundle install --jobs 4":                                           "bundler",
		"RUN bundle exec rake assets:precompile":                                "",
		"RUN ./mvnw -B dependency:go-offline":                                   "maven",
		"RUN mvn package":                                                       "maven",
		"RUN mvn -q -B -DskipTests clean package":                               "maven",
		"RUN mvn -o -B package":                                                 "",
		"RUN mvn --version":                                                     "",
		"RUN ./gradlew bootJar --no-daemon":                                     "gradle",
		"RUN gradle --offline build":                                            "",
		"RUN gradle --version":                                                  "",
		"RUN dotnet publish -c Release -o out":                                  "dotnet",
		"RUN dotnet publish --no-restore -c Release":                            "",
		"RUN dotnet tool install x":                                             "",
		"RUN ./gradlew dependencies":                                            "gradle",
		"RUN cargo fetch --locked":                                              "cargo",
		"RUN composer --no-interaction install --no-dev":                        "composer",
		"RUN dotnet restore":                                                    "dotnet",
		"RUN apt-get update && apt-get -o Acquire::Retries=3 install -y libpq5": "apt",
		"RUN apt-get update && make install":                                    "",
		"RUN apk add --no-cache ca-certificates":                                "apk",
		"RUN dnf -y install python3":                                            "dnf",
		`RUN ["npm", "ci"]`:                                                     "npm",
		"run npm ci":                                                            "npm",
		"COPY --from=deps /app/npm ci/":                                         "",
		"WORKDIR /go mod download":                                              "",
		"RUN set -e; \\\n  apt-get update; \\\n  apt-get install \\\n  -y curl": "apt",
		"RUN apt-get install -y python3-venv && python3 -m venv --system-site-packages": "venv",
	} {
		got, err := dependencySteps([]evidence.BuildStep{{Instruction: instruction}}, nil)
		name := ""
		if len(got) == 1 {
			name = got[0].manager
		}
		if err != nil || name != want {
			t.Errorf("%s: %q, %v; want %q", instruction, name, err, want)
		}
	}
}

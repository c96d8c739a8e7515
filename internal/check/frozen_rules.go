package check

import (
	"regexp"
	"slices"
	"strings"
)

// freeze says how a package manager is kept to its lock file.
type freeze struct {
	// frozen matches the commands that install what the lock file says, or refuse.
	frozen *regexp.Regexp
	// env are variables that make the plain command one of those.
	env []string
	// byLock is set where the plain command is one when the lock file is there.
	byLock bool
	// sees is set where even a frozen command needs the lock file to be seen: it would go on
	// without one.
	sees bool
	// lax is what the plain command does, fix what to write instead.
	lax, fix string
	// loose is set for managers without a lock file, whose versions are exact all the same
	// as long as the manifest names no ranges.
	loose string
}

var freezes = map[string]freeze{
	"go": {byLock: true, lax: "takes modules without checksums", fix: "Copy go.sum with go.mod before `go mod download`."},
	"uv": {frozen: regexp.MustCompile(`\buv\s+sync\b.*\s--(?:frozen|locked)\b`), env: []string{"UV_FROZEN", "UV_LOCKED"},
		lax: "writes a new uv.lock when pyproject.toml asks for more", fix: "uv sync --locked (it fails when uv.lock does not fit), or --frozen."},
	"poetry":   {byLock: true, lax: "resolves all versions anew", fix: "Commit poetry.lock, and copy it with pyproject.toml."},
	"pipenv":   {frozen: regexp.MustCompile(`\bpipenv\s+sync\b|--deploy\b|--ignore-pipfile\b`), env: []string{"PIPENV_IGNORE_PIPFILE", "PIPENV_DEPLOY"}, lax: "resolves all versions anew", fix: "pipenv sync, or pipenv install --deploy."},
	"pdm":      {frozen: regexp.MustCompile(`\bpdm\s+sync\b|--frozen-lockfile\b|--check\b`), env: []string{"PDM_FROZEN_LOCKFILE"}, lax: "updates pdm.lock when pyproject.toml asks for more", fix: "pdm sync, or pdm install --check."},
	"conda":    {frozen: regexp.MustCompile(`\S*lock\S*\.(?:ya?ml|txt)\b|\S*explicit\S*\.txt\b`), lax: "resolves all versions anew", fix: "Install from a file of conda-lock, or of `conda list --explicit`."},
	"npm":      {frozen: regexp.MustCompile(`\bnpm\s+(?:ci|clean-install)\b`), lax: "may take newer versions than package-lock.json's, and goes on without it", fix: "npm ci, with package-lock.json copied before."},
	"yarn":     {frozen: regexp.MustCompile(`--(?:frozen-lockfile|pure-lockfile|immutable)\b`), env: []string{"YARN_ENABLE_IMMUTABLE_INSTALLS", "CI"}, sees: true, lax: "writes a new yarn.lock when package.json asks for more", fix: "yarn install --immutable (Yarn 1: --frozen-lockfile), with yarn.lock copied before."},
	"pnpm":     {frozen: regexp.MustCompile(`--frozen-lockfile\b|\bpnpm\s+fetch\b|--offline\b`), env: []string{"CI"}, lax: "writes a new pnpm-lock.yaml when package.json asks for more", fix: "pnpm install --frozen-lockfile."},
	"bun":      {frozen: regexp.MustCompile(`--frozen-lockfile\b|\bbun\s+ci\b`), sees: true, lax: "writes a new bun.lock when package.json asks for more", fix: "bun install --frozen-lockfile, with bun.lock copied before."},
	"bundler":  {byLock: true, lax: "resolves all versions anew", fix: "Commit Gemfile.lock, copy it with the Gemfile, and set BUNDLE_FROZEN=true."},
	"cargo":    {frozen: regexp.MustCompile(`--(?:locked|frozen)\b|\bcargo\s+chef\s+cook\b`), lax: "writes a new Cargo.lock when Cargo.toml asks for more", fix: "cargo … --locked, with Cargo.lock copied before."},
	"composer": {byLock: true, lax: "resolves all versions anew", fix: "Commit composer.lock, and copy it with composer.json."},
	"mix":      {byLock: true, lax: "resolves all versions anew", fix: "Commit mix.lock, and copy it with mix.exs."},
	"maven":    {loose: "Maven has no lock file: versions are exact as long as the POMs name no ranges and no SNAPSHOT"},
	"gradle":   {byLock: true, loose: "without a gradle.lockfile versions are exact as long as no script names ranges, + or SNAPSHOT"},
	"dotnet":   {frozen: regexp.MustCompile(`--locked-mode\b`), loose: "without packages.lock.json and --locked-mode versions are exact as long as no project names ranges or *"},
}

// resolving are commands that choose versions anew in the build, whatever was locked.
var resolving = regexp.MustCompile(`\b(?:npm|pnpm|yarn)\s+(?:update|upgrade|up)\b|\b(?:npm|pnpm|yarn|bun)\s+add\b|\bpoetry\s+(?:update|lock|add)\b|\buv\s+(?:lock|add)\b|\buv\s+pip\s+compile\b|\bpip-compile\b|` +
	`\bpipenv\s+(?:lock|update)\b|\bpdm\s+(?:lock|update|add)\b|\bbundle\s+(?:update|lock)\b|\bcargo\s+(?:update|add)\b|\bcomposer\s+(?:update|require)\b|\bgo\s+(?:get\s+-u|mod\s+tidy)\b|\bmix\s+deps\.update\b`)

// resolvingFor are options with which those only look.
var resolvingFor = regexp.MustCompile(`--(?:check|locked|frozen|dry-run|diff)\b|\s-diff\b|\s-g\b|--global\b`)

// buildTools are packages that build or install others: their version is the builder's
// affair, and no dependency of the program.
var buildTools = strings.Fields("pip pipx setuptools wheel build uv poetry poetry-core poetry-plugin-export pipenv pdm hatch hatchling flit virtualenv pip-tools cython " +
	"npm pnpm yarn corepack bun node-gyp lerna turbo nx typescript")

func isBuildTool(name string) bool {
	return slices.Contains(buildTools, strings.ToLower(bareName(name)))
}

var afterName = regexp.MustCompile(`[\[=<>~!;@ ].*$`)

// bareName is a package's name without its version: "uvicorn[standard]==0.35" is uvicorn.
func bareName(name string) string {
	if scoped, ok := strings.CutPrefix(name, "@"); ok { // of npm: "@vue/cli@5"
		return "@" + afterName.ReplaceAllString(scoped, "")
	}
	return afterName.ReplaceAllString(name, "")
}

// exactly matches names with one version: pip's ==, npm's and go's @1.2.3, a commit.
var exactly = regexp.MustCompile(`===?[^*]+$|.@v?\d+(?:\.\d+)+[\w.+-]*$|@[0-9a-f]{40}$|#[0-9a-f]{40}$`)

func isPinned(name string) bool { return exactly.MatchString(name) }

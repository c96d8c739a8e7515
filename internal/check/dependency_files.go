package check

import (
	"path"
	"slices"
	"strings"
)

// lockRule says which files a package manager installs from. Names are patterns as in
// path.Match for a file's own name.
type lockRule struct {
	manager string
	// locks hold every version that is installed.
	locks []string
	// manifests hold what is asked for.
	manifests []string
	// decides are those that say what is installed, the most exact first: of the first that
	// is there every change has to be followed by an installation.
	decides []string
}

var requirementFiles = []string{"*requirements*.txt", "*constraints*.txt", "*requirements*.in"}

var lockRules = []lockRule{
	// go.sum has checksums alone: go.mod says the versions.
	{manager: "go", locks: []string{"go.sum", "go.work.sum"}, manifests: []string{"go.mod", "go.work"}, decides: []string{"go.mod"}},
	{manager: "uv", locks: []string{"uv.lock", "pylock*.toml"}, manifests: append([]string{"pyproject.toml"}, requirementFiles...),
		decides: append([]string{"uv.lock", "pylock*.toml"}, append(requirementFiles, "pyproject.toml")...)},
	{manager: "pip", manifests: append([]string{"pyproject.toml", "setup.py", "setup.cfg"}, requirementFiles...),
		decides: append(requirementFiles, "pyproject.toml", "setup.cfg", "setup.py")},
	{manager: "venv", manifests: requirementFiles, decides: requirementFiles},
	{manager: "poetry", locks: []string{"poetry.lock"}, manifests: []string{"pyproject.toml"}},
	{manager: "pipenv", locks: []string{"Pipfile.lock"}, manifests: []string{"Pipfile"}},
	{manager: "pdm", locks: []string{"pdm.lock"}, manifests: []string{"pyproject.toml"}},
	{manager: "conda", locks: []string{"*lock*.yml", "*lock*.yaml", "*lock*.txt", "explicit*.txt"}, manifests: []string{"environment*.yml", "environment*.yaml"}},
	{manager: "npm", locks: []string{"package-lock.json", "npm-shrinkwrap.json"}, manifests: []string{"package.json"}},
	{manager: "yarn", locks: []string{"yarn.lock"}, manifests: []string{"package.json"}},
	{manager: "pnpm", locks: []string{"pnpm-lock.yaml"}, manifests: []string{"package.json"}},
	{manager: "bun", locks: []string{"bun.lock", "bun.lockb"}, manifests: []string{"package.json"}, decides: []string{"bun.lock", "package.json"}},
	{manager: "bundler", locks: []string{"Gemfile.lock", "gems.locked"}, manifests: []string{"Gemfile", "gems.rb", "*.gemspec"}},
	{manager: "maven", manifests: []string{"pom.xml"}},
	{manager: "gradle", locks: []string{"gradle.lockfile", "*.lockfile"}, manifests: []string{"build.gradle", "build.gradle.kts", "libs.versions.toml", "settings.gradle", "settings.gradle.kts"}},
	{manager: "cargo", locks: []string{"Cargo.lock"}, manifests: []string{"Cargo.toml"}},
	{manager: "composer", locks: []string{"composer.lock"}, manifests: []string{"composer.json"}},
	{manager: "dotnet", locks: []string{"packages.lock.json"}, manifests: []string{"*.csproj", "*.fsproj", "*.vbproj", "Directory.Packages.props"}},
	{manager: "mix", locks: []string{"mix.lock"}, manifests: []string{"mix.exs"}},
}

// lockRuleOf is a manager's, a zero value for one without files of its own.
func lockRuleOf(manager string) lockRule {
	i := slices.IndexFunc(lockRules, func(r lockRule) bool { return r.manager == manager })
	if i < 0 {
		return lockRule{manager: manager}
	}
	r := lockRules[i]
	if r.decides == nil {
		r.decides = slices.Concat(r.locks, r.manifests)
	}
	return r
}

// deciding are the files among paths whose changes a manager's installation must follow. A
// lock file that is binary cannot be changed and stay one.
func (r lockRule) deciding(paths []string) []string {
	for _, name := range r.decides {
		if out := fitting(paths, []string{name}); len(out) > 0 {
			return out
		}
	}
	return nil
}

// fitting are the paths whose own name fits one of the patterns.
func fitting(paths, names []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !fitsName(p, names) })
}

func fitsName(p string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		ok, err := path.Match(n, path.Base(p))
		return ok && err == nil && !strings.HasSuffix(p, "/")
	})
}

// installSettings are files beside locks and manifests that tell a package manager or a
// compiler how to install: who copies one before the dependencies means it.
var installSettings = []string{".npmrc", ".yarnrc*", ".pnpmfile.cjs", "pnpm-workspace.yaml", ".pnp.*", "lerna.json", "nx.json", "turbo.json",
	"pip.conf", "uv.toml", "poetry.toml", "MANIFEST.in", "*packages*.txt", "apt*.txt", "Aptfile", "Brewfile",
	".python-version", ".node-version", ".nvmrc", ".ruby-version", ".tool-versions", "rust-toolchain*", "mise.toml",
	"[Nn]u[Gg]et.[Cc]onfig", "global.json", "Directory.*.props", "*.sln", "*.slnx", "mvnw", "gradlew", "gradle.properties", ".bundle"}

// installFolders hold such files: wrappers, patches of dependencies, code that an
// installation generates from.
var installFolders = []string{".mvn", "gradle", ".cargo", ".yarn", "patches", "prisma", "vendor", ".bundle"}

// installInput tells whether a dependency step may well depend on a file: then its change
// has to run the step again.
func installInput(p string) bool {
	if fitsName(p, installSettings) {
		return true
	}
	for _, r := range lockRules {
		if fitsName(p, r.locks) || fitsName(p, r.manifests) {
			return true
		}
	}
	return slices.ContainsFunc(strings.Split(path.Dir(p), "/"), func(dir string) bool { return slices.Contains(installFolders, dir) })
}

// ListedAlone tells which files of a build context the checks want to see one by one, also
// where there are too many to keep them all: lock files and manifests, and what marks a
// virtual environment or a cache.
func ListedAlone(p string) bool {
	base := path.Base(p)
	if base == "pyvenv.cfg" || base == "CACHEDIR.TAG" {
		return true
	}
	return !strings.Contains(p, "node_modules/") && slices.ContainsFunc(lockRules, func(r lockRule) bool {
		return fitsName(p, r.locks) || fitsName(p, r.manifests)
	})
}

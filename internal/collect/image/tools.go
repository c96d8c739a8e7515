package image

import (
	"path"
	"regexp"
	"strings"
)

// known are the names of compilers, package managers, test runners and the like. Whether
// one of them does harm in an image is for a check to say.
var known = map[string]bool{}

func init() {
	for _, line := range []string{
		// compilers, linkers and build tools
		"go gofmt gcc g++ cc c++ cpp clang clang++ ld gold lld as tcc rustc rustup cargo javac kotlinc scalac ghc tsc esbuild swc",
		"make gmake cmake ninja meson bazel mvn gradle sbt ant",
		// package managers of languages
		"pip pipx pipenv poetry pdm hatch uv uvx conda mamba npm npx yarn yarnpkg pnpm pnpx corepack bun gem bundle bundler composer",
		// test runners and coverage
		"pytest py.test tox nox nosetests nose2 coverage behave locust jest vitest mocha ava jasmine karma cypress playwright nyc c8 gotestsum ginkgo rspec phpunit",
		// linters, formatters, type checkers, debuggers
		"mypy pyright pylint flake8 black ruff isort bandit eslint prettier golangci-lint staticcheck dlv gdb lldb ipython nodemon ts-node debugpy",
	} {
		for _, name := range strings.Fields(line) {
			known[name] = true
		}
	}
}

// decorated is a name with what distributions add: "x86_64-linux-gnu-gcc-12", "pip3.12".
var decorated = regexp.MustCompile(`^(?:[a-z0-9_]+(?:-[a-z0-9]+)?-linux-(?:gnu|musl)[a-z0-9]*-)?([a-z][a-z.+-]*?[a-z+])(?:-?[0-9]+(?:\.[0-9]+)*)?$`)

// toolName is the known name of an executable in a directory for executables, else "".
func toolName(p string) string {
	switch path.Base(path.Dir(p)) {
	case "bin", "sbin", ".bin", "libexec":
	default:
		return ""
	}
	base := path.Base(p)
	if known[base] {
		return base
	}
	if m := decorated.FindStringSubmatch(base); m != nil && known[m[1]] {
		return m[1]
	}
	return ""
}

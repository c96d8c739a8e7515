package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// exports are commands that write a requirements file from a lock file, with hashes.
var exports = []string{"poetry export", "uv export", "pipenv requirements", "pdm export"}

func (f *freezer) pip(s evidence.BuildStep, in install) frozenness {
	has := func(option string) bool { return slices.Contains(in.words, option) }
	const fix = "Pin every package with its hashes (uv pip compile --generate-hashes, pip-compile --generate-hashes), and install with --require-hashes."
	switch {
	case has("--require-hashes") || f.hasEnv(s, []string{"PIP_REQUIRE_HASHES", "UV_REQUIRE_HASHES"}):
		return frozenness{frozen: true}
	case has("--no-index"), len(in.files) == 0 && len(in.paths) > 0 && !slices.ContainsFunc(in.paths, isProject):
		return frozenness{} // what an earlier step put there was judged with that
	case len(in.files) == 0 && slices.ContainsFunc(in.paths, isProject):
		return frozenness{broken: "resolves what the project's manifest asks for, without a lock file", fix: "Install the locked dependencies first, then the project with --no-deps."}
	case len(in.files) == 0:
		return frozenness{open: "what it installs is not written in the Dockerfile"}
	}
	for _, file := range in.files {
		facts, name := f.requirements(file, 0)
		switch {
		case facts == nil && f.exported():
		case facts == nil:
			return frozenness{open: fmt.Sprintf("%s is not in the context, so that its pins cannot be seen", said(file, 80))}
		case facts.Hashed == facts.Names:
		case facts.Pinned == facts.Names && (facts.Compiled || has("--no-deps")):
			return frozenness{frozen: true, note: name + " pins every version, and no hash: add them with --generate-hashes"}
		case facts.Pinned == facts.Names:
			return frozenness{broken: fmt.Sprintf("installs from %s, which pins %s without hashes: the packages that these depend on are chosen anew in each build", name, count(facts.Names, "package")), fix: fix}
		default:
			return frozenness{broken: fmt.Sprintf("installs from %s, which pins %d of %s", name, facts.Pinned, count(facts.Names, "package")), fix: fix}
		}
	}
	return frozenness{frozen: true}
}

func isProject(p string) bool {
	return !strings.Contains(path.Base(p), "*") && !strings.HasSuffix(p, ".whl")
}

// requirements adds up a requirements file of the context and those that it includes.
func (f *freezer) requirements(file string, depth int) (*evidence.Requirements, string) {
	for _, e := range f.context.Entries {
		if e.Requirements == nil || path.Base(e.Path) != path.Base(file) || !e.Sent {
			continue
		}
		sum := *e.Requirements
		for _, inc := range sum.Includes {
			if more, _ := f.requirements(inc, depth+1); more != nil && depth < 5 {
				sum.Names, sum.Pinned, sum.Hashed = sum.Names+more.Names, sum.Pinned+more.Pinned, sum.Hashed+more.Hashed
			}
		}
		return &sum, e.Path
	}
	return nil, ""
}

// exported tells whether a step writes requirements from a lock file.
func (f *freezer) exported() bool {
	return slices.ContainsFunc(f.build.Steps, func(s evidence.BuildStep) bool {
		command, _ := runCommand(s)
		return slices.ContainsFunc(exports, func(x string) bool { return strings.Contains(command, x) }) &&
			!strings.Contains(command, "--without-hashes") && !strings.Contains(command, "--no-hashes")
	})
}

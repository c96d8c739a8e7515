package check

import (
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var frozenDependencies = Check{
	ID:    "build/frozen-dependencies",
	Title: "Dependencies are installed from a lock file, as it says",
	Why: "An install that resolves versions during the build takes what was published last: two builds of one commit differ, " +
		"and what was tested is not what is deployed.",
	Fix:   "Commit the lock file, copy it before the install, and let the install refuse anything else: npm ci, uv sync --locked, pip install --require-hashes.",
	Story: Reproducible,
	Needs: []evidence.Section{evidence.SectionBuild, evidence.SectionContext},
	At:    []Spot{inDockerfile("RUN")},
	Judge: judgeFrozenDependencies,
}

func judgeFrozenDependencies(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "each install of dependencies takes exactly the versions of a lock file"}
	if c.Build == nil {
		return j.skip(notBuilt).until(buildLine)
	}
	switch {
	case e.Build == nil:
		return inconclusive(e, evidence.SectionBuild, j.Promised)
	case e.Context == nil:
		return inconclusive(e, evidence.SectionContext, j.Promised)
	case e.Build.Error != "" || e.Build.MissingPath != "":
		return j.undecided("the image did not build, so that not all steps are known", fixBuild)
	}
	f := freezer{c: c, build: *e.Build, context: *e.Context, done: map[string]string{}}
	for _, s := range e.Build.Steps {
		f.step(&j, s)
	}
	if len(f.system) > 0 {
		j.note(strings.Join(f.system, "; "), "packages of the distribution have no lock file; the digest of the base image, or a snapshot of its archive, fixes them")
	}
	switch b := j.firstBroken(); {
	case b != nil:
		return j.fail(b.Where+": "+b.Message, f.fix)
	case len(f.open) > 0:
		return j.undecided(strings.Join(f.open, "; "), "Let the lock file or the requirements file be copied from the context, where podproof can read it.")
	case len(f.frozen) == 0 && len(f.unknown) > 0:
		return j.skip("what the steps that the contract names install from is not known: " + said(strings.Join(f.unknown, "; "), 200))
	case len(f.frozen) == 0:
		return j.skip("no step installs what a lock file could freeze")
	}
	return j.pass("Frozen dependencies OK ("+list(f.frozen)+")", "installed as locked: "+said(strings.Join(f.commands, "; "), 300))
}

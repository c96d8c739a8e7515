package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var dependencyLayerCached = Check{
	ID:    "build/dependency-layer-cached",
	Title: "A change of the source alone reuses the dependency layer",
	Why: "Dependencies change rarely and take most of a build's time. When every change of the source installs them again, " +
		"each build waits for it, and each deploy ships and pulls them anew.",
	Fix:     "Copy the manifest and the lock file first, install from them, and copy the source after that.",
	Story:   Reproducible,
	Profile: contract.ProfileRecommended,
	Needs:   []evidence.Section{evidence.SectionBuild, evidence.SectionContext, evidence.SectionRebuild},
	At:      []Spot{inDockerfile("COPY")},
	Judge:   judgeDependencyLayerCached,
}

func judgeDependencyLayerCached(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "with other content in source files, the steps that install dependencies come from the cache"}
	if c.Build == nil {
		return j.skip(notBuilt).until(buildLine)
	}
	r := e.Rebuild
	if r == nil {
		return inconclusive(e, evidence.SectionRebuild, j.Promised)
	}
	if len(r.Files) > 0 {
		j.Promised = fmt.Sprintf("with other content in %s, the steps that install dependencies come from the cache", filesOfContext(c, r.Files))
	}
	j.Seconds = r.Seconds
	var first []evidence.BuildStep
	if e.Build != nil {
		first = e.Build.Steps
	}
	steps := withUnseen(r.Steps, first)
	deps, err := dependencySteps(steps, c.Build.DependencySteps)
	switch {
	case err != nil:
		return j.undecided(err.Error(), "Fix the expression in the contract.")
	case len(deps) == 0 && r.Error != "":
		return j.undecided("the second build ended with an error: "+said(r.Error, 300), "Fix the build, then run podproof again.")
	case len(deps) == 0 && (len(c.Build.Sources()) > 0 || len(c.Build.DependencySteps) > 0):
		return j.undecided(noInstall, "Name the step in the contract: build.dependencySteps takes regular expressions, such as \"make deps\".")
	case len(deps) == 0:
		return j.skip(noInstall + "; if one does, name it in build.dependencySteps").until("build: {dependencySteps: ['…'], …} in the contract")
	case len(r.Files) == 0:
		return j.skip("the Dockerfile copies no source file from its context")
	}
	for _, a := range r.Alone {
		j.Seconds += a.Seconds
	}
	return j.dependencyLayer(c, e, *r, deps, steps, first)
}

// dependencyLayer judges the steps of the second build; first are those of the build before it.
func (j Judgement) dependencyLayer(c contract.Contract, e evidence.Evidence, r evidence.Rebuild, deps []dependencyStep, steps, first []evidence.BuildStep) Judgement {
	var open []string
	var fix string
	for _, d := range deps {
		switch why, caused := cause(d, steps); {
		case d.Cached:
		case caused && d.builds && strings.Contains(instructionOf(d.BuildStep), "--mount=type=cache"):
			j.note(stepWhere(c, d.BuildStep), "it installs and builds in one, and ran again; its cache mount keeps what was downloaded on this builder, and on no other")
		case caused:
			if fix == "" {
				fix = cacheFix(d, why)
			}
			did := "it ran again"
			if !d.Started {
				did = "it had to run again"
			}
			j.brokenAt(stepPlace(c, d.BuildStep), "%s%s, after %s", did, tookWords(d.BuildStep, first), why.words(culprit(c, d, r)))
			if strings.Contains(instructionOf(d.BuildStep), "--mount=type=cache") {
				j.note(stepWhere(c, d.BuildStep), "its cache mount spares downloads on this builder, and the step runs all the same")
			}
		default:
			open = append(open, said(d.Name, 160)+": "+why.open)
		}
	}
	for _, a := range commitArguments(c, e.Build, deps) {
		if a.system {
			j.note(a.words, "%s", a.why)
			continue
		}
		if fix == "" {
			fix = a.fix
		}
		j.brokenAt(a.place, "%s", a.why)
	}
	for _, f := range r.Unsent {
		j.note(filesOfContext(c, []string{f}), "it is not an input of the image: .dockerignore leaves it out, or nothing copies it")
	}
	again := ranAgain(steps)
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Where+": "+f.Message, fix)
	case len(open) > 0:
		if r.Error != "" {
			open = append(open, "the build ended with: "+said(r.Error, 200))
		}
		return j.undecided(strings.Join(open, "; "), "Run podproof again; a build cache that is emptied in between decides nothing.")
	case len(again) == 0 && slices.ContainsFunc(steps, undecidedStep):
		return j.undecided("the build ended before the change of "+filesOfContext(c, r.Files)+" reached a step", "Run podproof again.")
	case len(again) == 0:
		return j.undecided(fmt.Sprintf("all steps came from the cache: %s is not an input of the image (left out by .dockerignore, or by what is copied?)", filesOfContext(c, r.Files)),
			"Let build.sourceFile or sourceFiles name a source file that the Dockerfile copies.")
	}
	if onlySystem(deps) {
		for _, s := range again {
			if command, ok := runCommand(s); ok {
				j.note(stepWhere(c, s), "it ran again; if `%s` installs dependencies, name it in build.dependencySteps", said(command, 80))
			}
		}
	}
	return j.pass("Dep layer cache hit confirmed (US3 OK)", fmt.Sprintf("%s from the cache (%s); ran again: %s",
		count(len(deps), "dependency step"), managersOf(deps), said(stepNames(again), 300)))
}

// Invalidates tells whether a change of source files, and nothing else, made a dependency
// step run again, so that it is worth asking which file did.
func Invalidates(b contract.Build, first evidence.Build, again evidence.Rebuild) bool {
	steps := withUnseen(again.Steps, first.Steps)
	deps, err := dependencySteps(steps, b.DependencySteps)
	return err == nil && slices.ContainsFunc(deps, func(d dependencyStep) bool {
		why, caused := cause(d, steps)
		return !d.Cached && caused && !why.remote
	})
}

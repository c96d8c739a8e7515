package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var lockfileChangeRebuilds = Check{
	ID:    "build/lockfile-change-rebuilds",
	Title: "A change of the lock file installs the dependencies again",
	Why: "A dependency layer that stays cached although the lock file changed ships yesterday's versions: the fix of a " +
		"vulnerability is merged, built and deployed, and is not in the image.",
	Fix:   "Let the lock file and the manifest be copied, or mounted with --mount=type=bind, before the step that installs from them.",
	Story: Reproducible,
	Needs: []evidence.Section{evidence.SectionBuild, evidence.SectionContext, evidence.SectionLockRebuild},
	At:    []Spot{inDockerfile("COPY")},
	Judge: judgeLockfileChangeRebuilds,
}

func judgeLockfileChangeRebuilds(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "with other content in the lock file, the step that installs from it runs again"}
	if c.Build == nil {
		return j.skip(notBuilt).until(buildLine)
	}
	r := e.LockRebuild
	switch {
	case r == nil:
		return inconclusive(e, evidence.SectionLockRebuild, j.Promised)
	case e.Build == nil:
		return inconclusive(e, evidence.SectionBuild, j.Promised)
	case e.Context == nil:
		return inconclusive(e, evidence.SectionContext, j.Promised)
	}
	j.Seconds = r.Seconds
	deps, err := dependencySteps(e.Build.Steps, c.Build.DependencySteps)
	switch {
	case err != nil:
		return j.undecided(err.Error(), "Fix the expression in the contract.")
	case len(deps) == 0:
		return j.skip(noInstall)
	case len(r.Files) == 0:
		return j.skip("no step installs from a lock file or manifest of the context (" + managersOf(deps) + ")")
	}
	j.Promised = fmt.Sprintf("with other content in %s, the step that installs from it runs again", filesOfContext(c, r.Files))
	steps := withUnseen(r.Steps, e.Build.Steps)
	var ran []dependencyStep
	var open []string
	for _, d := range deps {
		files := lockFilesOf(d, e.Build.Steps, *e.Context)
		files = slices.DeleteFunc(files, func(f string) bool { return !slices.Contains(r.Files, f) })
		again, ok := named(steps, d.Name)
		switch {
		case len(files) == 0 || !ok:
		case again.Cached:
			j.brokenAt(stepPlace(c, d.BuildStep), "it came from the cache although %s had changed%s", filesOfContext(c, files), unseenWords(d, files, e))
		case rerun(again), mustRun(again, steps):
			ran = append(ran, d)
		default:
			open = append(open, said(d.Name, 160)+": its fate is not known: the build ended before it")
		}
	}
	switch f := j.firstBroken(); {
	case f != nil:
		return j.fail(f.Where+": "+f.Message, "")
	case len(open) > 0 || len(ran) == 0:
		if r.Error != "" {
			open = append(open, "the build ended with: "+said(r.Error, 200))
		}
		if len(open) == 0 {
			open = []string{"the build took none of " + filesOfContext(c, r.Files)}
		}
		return j.undecided(strings.Join(open, "; "), "Run podproof again; if it stays so, build with the same change by hand.")
	}
	return j.pass("A changed lock file installs again OK", fmt.Sprintf("%s ran again (%s) after a change of %s",
		count(len(ran), "dependency step"), managersOf(ran), filesOfContext(c, r.Files)))
}

// unseenWords says that a step does not see what decides about it.
func unseenWords(d dependencyStep, files []string, e evidence.Evidence) string {
	seen := inputsOf(d.BuildStep, e.Build.Steps, e.Context)
	for _, f := range files {
		if !slices.Contains(seen, f) {
			for _, t := range takers(f, takings(e.Build.Steps)) {
				return fmt.Sprintf(": it does not see the file, which only %s takes", t.words())
			}
		}
	}
	return ""
}

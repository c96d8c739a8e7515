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
	Fix:   "Copy the manifest and the lock file first, install from them, and copy the source after that.",
	Story: Reproducible,
	Needs: []evidence.Section{evidence.SectionBuild, evidence.SectionRebuild},
	Judge: judgeDependencyLayerCached,
}

func judgeDependencyLayerCached(c contract.Contract, e evidence.Evidence) Judgement {
	var j Judgement
	switch {
	case c.Build == nil:
		return j.skip("the contract has no build")
	case c.Build.SourceFile == "":
		return j.skip("the contract's build.sourceFile names no file to change")
	}
	j.Promised = fmt.Sprintf("with other content in %s, the steps that install dependencies come from the cache", c.Build.SourceFile)
	r := e.Rebuild
	if r == nil {
		return inconclusive(e, evidence.SectionRebuild, j.Promised)
	}
	j.Seconds = r.Seconds
	steps := r.Steps
	if e.Build != nil {
		steps = withUnseen(steps, e.Build.Steps)
	}
	deps, err := dependencySteps(steps, c.Build.DependencySteps)
	switch {
	case err != nil:
		return j.undecided(err.Error(), "Mend the expression in the contract.")
	case len(deps) == 0 && r.Error != "":
		return j.undecided("the second build ended with an error: "+said(r.Error, 300), "Mend the build, then run podproof again.")
	case len(deps) == 0:
		return j.undecided("no step is known to install dependencies", "Name the step in the contract: build.dependencySteps takes regular expressions, such as \"make deps\".")
	}
	var open []string
	var fix string
	for _, d := range deps {
		name := said(d.Name, 160)
		switch why, caused := cause(d, steps); {
		case d.Cached:
		case d.Started && caused:
			if fix == "" {
				fix = fmt.Sprintf("Copy the manifest and the lock file alone, then %q, and copy the source after that; now it comes after %s.",
					said(instructionOf(d.BuildStep), 80), why)
			}
			j.broken(name, "it ran again%s, after %s", tookWords(d.BuildStep), why)
		default:
			open = append(open, name+": "+why)
		}
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
		return j.undecided("the build ended before the change of "+c.Build.SourceFile+" reached a step", "Run podproof again.")
	case len(again) == 0:
		return j.undecided(fmt.Sprintf("all steps came from the cache: %s is no input of the image (left out by .dockerignore, or by what is copied?)", c.Build.SourceFile),
			"Let build.sourceFile name a source file that the Dockerfile copies.")
	}
	if onlySystem(deps) {
		for _, s := range again {
			if command, ok := runCommand(s); ok {
				j.note(said(s.Name, 160), "it ran again; if `%s` installs dependencies, name it in build.dependencySteps", said(command, 80))
			}
		}
	}
	return j.pass("Dep layer cache hit confirmed (US3 OK)", fmt.Sprintf("%s from the cache (%s); ran again: %s",
		count(len(deps), "dependency step"), managersOf(deps), said(stepNames(again), 300)))
}

// withUnseen adds the steps of the first build that the second did not mention, as steps
// of which nothing is known.
func withUnseen(second, first []evidence.BuildStep) []evidence.BuildStep {
	out := slices.Clone(second)
	for _, s := range first {
		if !slices.ContainsFunc(second, func(t evidence.BuildStep) bool { return t.Name == s.Name }) {
			s.Cached, s.Started, s.Completed, s.Seconds = false, false, false, 0
			out = append(out, s)
		}
	}
	return out
}

// cause says what made a dependency step run again; caused is false when it cannot be
// the changed file.
func cause(d dependencyStep, steps []evidence.BuildStep) (why string, caused bool) {
	if !d.Started {
		return "its fate is not known: the build ended before it", false
	}
	for _, s := range before(d.BuildStep, steps) {
		if rerun(s) && copies(s) {
			return fmt.Sprintf("%q, which holds the changed file", said(instructionOf(s), 120)), true
		}
	}
	for _, s := range before(d.BuildStep, steps) {
		if rerun(s) && instructed(s) {
			return fmt.Sprintf("%q", said(instructionOf(s), 120)), true
		}
	}
	if strings.Contains(instructionOf(d.BuildStep), "--mount=type=bind") {
		return "its own bind mount, which holds the changed file", true
	}
	return "it ran again although nothing before it changed: the build cache had lost it", false
}

// before lists the steps that a step rests on, in the order of the build: by the graph
// where it is known, else those of its stage.
func before(d evidence.BuildStep, steps []evidence.BuildStep) []evidence.BuildStep {
	needed := map[string]bool{}
	byDigest := map[string]evidence.BuildStep{}
	for _, s := range steps {
		byDigest[s.Digest] = s
	}
	queue := slices.Clone(d.Inputs)
	for len(queue) > 0 {
		digest := queue[0]
		queue = queue[1:]
		if digest != "" && !needed[digest] {
			needed[digest] = true
			queue = append(queue, byDigest[digest].Inputs...)
		}
	}
	var out []evidence.BuildStep
	for _, s := range steps {
		if s.Name == d.Name && s.Digest == d.Digest {
			if len(needed) == 0 {
				break
			}
			continue
		}
		if needed[s.Digest] || (len(needed) == 0 && s.Stage == d.Stage) {
			out = append(out, s)
		}
	}
	return out
}

func rerun(s evidence.BuildStep) bool { return s.Started && !s.Cached }

func copies(s evidence.BuildStep) bool {
	k := parseHistory(instructionOf(s)).keyword
	return k == "COPY" || k == "ADD"
}

// instructed tells whether a step is one of the Dockerfile's that make layers, and not
// BuildKit's own ("[internal] load build context", "exporting to image").
func instructed(s evidence.BuildStep) bool {
	if _, ok := runCommand(s); ok {
		return true
	}
	return copies(s)
}

func undecidedStep(s evidence.BuildStep) bool { return instructed(s) && !s.Started && !s.Cached }

func ranAgain(steps []evidence.BuildStep) []evidence.BuildStep {
	return slices.DeleteFunc(slices.Clone(steps), func(s evidence.BuildStep) bool { return !instructed(s) || !rerun(s) })
}

func onlySystem(deps []dependencyStep) bool {
	return !slices.ContainsFunc(deps, func(d dependencyStep) bool { return !d.system })
}

func managersOf(deps []dependencyStep) string {
	var out []string
	for _, d := range deps {
		if !slices.Contains(out, d.manager) {
			out = append(out, d.manager)
		}
	}
	return list(out)
}

func stepNames(steps []evidence.BuildStep) string {
	var out []string
	for _, s := range steps {
		out = append(out, instructionOf(s))
	}
	return strings.Join(out, "; ")
}

func tookWords(s evidence.BuildStep) string {
	if !s.Completed || s.Seconds == 0 {
		return ""
	}
	return " for " + seconds(s.Seconds)
}

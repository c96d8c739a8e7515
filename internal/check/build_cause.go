package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// reason is what made a step run again, or why that is not known.
type reason struct {
	step   evidence.BuildStep // the one whose result changed, a zero value for a bind mount of its own
	holds  bool               // the step takes the changed file
	remote bool               // the step fetches something that changes by itself
	open   string
}

// words say it; file is the one that did it, "" where that is not known.
func (r reason) words(file string) string {
	if file == "" {
		file = "a changed file"
	}
	switch {
	case r.remote:
		return fmt.Sprintf("%q%s, which downloads something that can change between builds", said(instructionOf(r.step), 120), lineWords(r.step))
	case r.step.Name == "" && r.step.Instruction == "":
		return "its own bind mount, which holds " + file
	case r.holds:
		return fmt.Sprintf("%q%s, which holds %s", said(instructionOf(r.step), 120), lineWords(r.step), file)
	}
	return fmt.Sprintf("%q%s", said(instructionOf(r.step), 120), lineWords(r.step))
}

// cause says what made a dependency step run again; caused is false when it cannot be
// a changed file.
func cause(d dependencyStep, steps []evidence.BuildStep) (why reason, caused bool) {
	if !d.Started && !mustRun(d.BuildStep, steps) {
		return reason{open: "its fate is not known: the build ended before it"}, false
	}
	for _, s := range before(d.BuildStep, steps) {
		if rerun(s) && copies(s) {
			t := takes(s)
			return reason{step: s, holds: true, remote: t.remote && len(t.sources) == 0}, true
		}
	}
	for _, s := range before(d.BuildStep, steps) {
		if rerun(s) && instructed(s) {
			return reason{step: s}, true
		}
	}
	if len(takes(d.BuildStep).sources) > 0 {
		return reason{}, true
	}
	return reason{open: "it ran again although nothing before it changed: the build cache had lost it"}, false
}

// culprit is the changed file that made a step run again, as the contract would write it.
func culprit(c contract.Contract, d dependencyStep, r evidence.Rebuild) string {
	if len(r.Files) == 1 {
		return filesOfContext(c, r.Files)
	}
	for _, a := range r.Alone {
		if s, ok := named(a.Steps, d.Name); ok && rerun(s) {
			return filesOfContext(c, a.Files)
		}
	}
	return ""
}

func cacheFix(d dependencyStep, why reason) string {
	install := said(instructionOf(d.BuildStep), 80)
	if why.remote {
		return fmt.Sprintf("Fetch it after %q, or pin what is fetched (ADD --checksum).", install)
	}
	if why.step.Name == "" && why.step.Instruction == "" {
		return fmt.Sprintf("Let %q mount the manifest and the lock file alone.", install)
	}
	return fmt.Sprintf("Copy the manifest and the lock file alone, then %q, and copy the rest after that; now it comes after %q.", install, said(instructionOf(why.step), 120))
}

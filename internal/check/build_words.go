package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// notBuilt is why the checks of the build have nothing to say of an image that was there.
const notBuilt = "the image was not built by this run"

// buildLine has a run build it.
const buildLine = "build: {context: ., dockerfile: Dockerfile} in the contract, and no IMAGE"

// filesOfContext names files of the context as the contract would: "api/main.go and 2 more".
func filesOfContext(c contract.Contract, files []string) string {
	var out []string
	for _, f := range files {
		out = append(out, said(path.Join(c.Build.Context, f), 120))
	}
	if len(out) > 3 {
		return fmt.Sprintf("%s, %s and %d more files", out[0], out[1], len(out)-2)
	}
	return list(out)
}

// stepWhere is a step with the place of its instruction.
func stepWhere(c contract.Contract, s evidence.BuildStep) string {
	if s.Line == 0 || c.Build == nil {
		return said(s.Name, 160)
	}
	return fmt.Sprintf("%s:%d, %s", c.Build.Dockerfile, s.Line, said(s.Name, 160))
}

// words are the instruction and its line.
func (t taking) words() string {
	return fmt.Sprintf("%q%s", said(instructionOf(t.step), 100), lineWords(t.step))
}

func lineWords(s evidence.BuildStep) string {
	if s.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", s.Line)
}

// tookWords says how long a step ran, in this build or, where that was ended, in the first.
func tookWords(s evidence.BuildStep, first []evidence.BuildStep) string {
	if s.Completed && s.Seconds > 0 {
		return " for " + seconds(s.Seconds)
	}
	if f, ok := named(first, s.Name); ok && f.Completed && !f.Cached && f.Seconds > 0 {
		return fmt.Sprintf(" (it had taken %s)", seconds(f.Seconds))
	}
	return ""
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

package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// freezer goes through the steps of a build.
type freezer struct {
	c       contract.Contract
	build   evidence.Build
	context evidence.BuildContext

	system, frozen, commands, unknown, open []string

	fix  string            // of the first that is broken
	done map[string]string // names of the steps that installed frozen, by their managers
}

// step judges each install of a step, and notes what it came to.
func (f *freezer) step(j *Judgement, s evidence.BuildStep) {
	command, ok := runCommand(s)
	if !ok {
		return
	}
	where := stepWhere(f.c, s)
	for _, in := range installs(command) {
		if resolving.MatchString(in.command) {
			continue // told below
		}
		switch v := f.judge(s, in); {
		case v.open != "":
			f.open = append(f.open, where+": "+v.open)
		case v.broken != "" && in.fromFiles() && f.after(s, in.manager):
			j.note(where, "`%s` comes after a frozen install, and finds its versions there", said(in.command, 120))
		case v.broken != "":
			if f.fix == "" {
				f.fix = v.fix
			}
			j.brokenAt(stepPlace(f.c, s), "`%s` %s", said(in.command, 120), v.broken)
		case v.frozen:
			if !slices.Contains(f.frozen, in.manager) {
				f.frozen = append(f.frozen, in.manager)
			}
			f.commands = append(f.commands, in.command)
			f.done[s.Name] += " " + in.manager + " "
			fallthrough
		default:
			if v.note != "" {
				j.note(where, "`%s`: %s", said(in.command, 120), v.note)
			}
		}
	}
	for _, span := range shell.Cut(command, 0, len(command)) {
		simple := command[span[0].Start:span[len(span)-1].End]
		if resolving.MatchString(simple) && !resolvingFor.MatchString(simple) {
			if f.fix == "" {
				f.fix = "Resolve versions before the build, commit the lock file, and install from it."
			}
			j.brokenAt(stepPlace(f.c, s), "`%s` chooses versions anew during the build", said(simple, 120))
		}
	}
	deps, err := dependencySteps([]evidence.BuildStep{s}, f.c.Build.DependencySteps)
	for _, d := range deps {
		switch {
		case err != nil:
		case d.system:
			f.system = append(f.system, where)
		case d.manager == ownManager && len(installs(command)) == 0:
			f.unknown = append(f.unknown, instructionOf(s))
		}
	}
}

// after tells whether the manager has installed as locked before, in this step or in one
// that it rests on.
func (f *freezer) after(s evidence.BuildStep, manager string) bool {
	return slices.ContainsFunc(append(before(s, f.build.Steps), s), func(b evidence.BuildStep) bool {
		return strings.Contains(f.done[b.Name], " "+manager+" ")
	})
}

// frozenness is what one install comes to; all empty when it installs nothing of its own.
type frozenness struct {
	frozen      bool
	broken, fix string
	note        string
	open        string
}

// judge says what one install comes to.
func (f *freezer) judge(s evidence.BuildStep, in install) frozenness {
	if in.manager == "venv" || in.manager == "uv" && slices.Contains(in.words, "venv") {
		return frozenness{}
	}
	if !in.fromFiles() {
		return judgeNames(in)
	}
	if in.manager == "pip" || in.manager == "uv" && slices.Contains(in.words, "pip") {
		return f.pip(s, in)
	}
	rule, known := freezes[in.manager]
	if !known {
		return frozenness{}
	}
	locks := lockRuleOf(in.manager).locks
	seen := fitting(inputsOf(s, f.build.Steps, &f.context), locks)
	frozen := rule.frozen != nil && rule.frozen.MatchString(in.command) || f.hasEnv(s, rule.env)
	switch {
	case frozen && (!rule.sees || len(seen) > 0), rule.byLock && len(seen) > 0:
		return frozenness{frozen: true}
	case rule.loose != "":
		return frozenness{frozen: true, note: rule.loose}
	case rule.byLock || frozen:
		return frozenness{broken: rule.lax + f.lockMissing(locks), fix: rule.fix}
	}
	return frozenness{broken: rule.lax, fix: rule.fix}
}

// lockMissing says where the lock file is that a step did not see.
func (f *freezer) lockMissing(locks []string) string {
	for _, e := range f.context.Entries {
		if fitsName(e.Path, locks) {
			for _, t := range takers(e.Path, takings(f.build.Steps)) {
				return fmt.Sprintf(": it does not see %s, which only %s takes", e.Path, t.words())
			}
			return fmt.Sprintf(": %s is in the context, and nothing copies it", e.Path)
		}
	}
	return fmt.Sprintf(": there is no %s in the context", strings.Join(locks, " or "))
}

// judgeNames is for packages that the command line names.
func judgeNames(in install) frozenness {
	var loose []string
	for _, n := range in.names {
		if !isPinned(n) {
			loose = append(loose, n)
		}
	}
	tools := in.global() || in.manager == "go" && slices.Contains(in.words, "install") || in.manager == "cargo" ||
		!slices.ContainsFunc(loose, func(n string) bool { return !isBuildTool(n) })
	switch {
	case len(loose) == 0 && slices.Contains(in.words, "--no-deps"):
		return frozenness{frozen: true}
	case len(loose) == 0 && (in.manager == "go" || in.manager == "cargo"):
		return frozenness{}
	case len(loose) == 0:
		return frozenness{note: "the version is pinned, those of what it depends on are not"}
	case tools:
		return frozenness{note: "the tool's version is not pinned: " + said(list(loose), 80)}
	}
	return frozenness{broken: "takes what was published last: " + said(list(loose), 120) + " without a version",
		fix: "Name the dependencies in a manifest, lock them, and install from the lock file."}
}

// hasEnv tells whether one of the variables is set for a step: in its own command, or by an
// ENV or ARG before it in its stage or in one that this is built on.
func (f *freezer) hasEnv(s evidence.BuildStep, names []string) bool {
	command, _ := runCommand(s)
	for _, w := range strings.Fields(command) {
		if name, value, ok := strings.Cut(w, "="); ok && slices.Contains(names, name) && isOn(value) {
			return true
		}
	}
	env := environment(f.build.Instructions, s)
	return slices.ContainsFunc(names, func(n string) bool { return isOn(env[n]) })
}

func isOn(value string) bool {
	return value != "" && value != "0" && !strings.EqualFold(value, "false")
}

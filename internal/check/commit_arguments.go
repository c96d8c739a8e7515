package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// perCommit are names of build arguments that have another value with each commit or each build.
var perCommit = regexp.MustCompile(`(?i)^(?:[a-z0-9]+_)*(?:git_?(?:sha|commit|hash|rev|revision|ref)|commit(?:_?(?:sha|hash|id|ref))?|(?:vcs|scm)_?(?:ref|rev|revision)|github_sha|revision|` +
	`source_commit|short_?sha|build_?(?:date|time|timestamp|number|num|id)|cache_?bust(?:er)?)$`)

// commitArgument is a build argument above a step that installs dependencies.
type commitArgument struct {
	place
	why, fix string
	system   bool
}

// commitArguments finds build arguments that change with each commit, above a step that installs
// dependencies: BuildKit runs a step again when an argument that is declared before it in its stage
// has another value, whether or not the step uses it, and so does an ENV that takes it.
func commitArguments(c contract.Contract, b *evidence.Build, deps []dependencyStep) []commitArgument {
	if b == nil {
		return nil
	}
	var out []commitArgument
	told := map[string]bool{}
	for _, d := range deps {
		for _, in := range above(b.Instructions, d.BuildStep) {
			for _, name := range argumentNames(in) {
				if !perCommit.MatchString(name) || told[name+d.Name] {
					continue
				}
				told[name+d.Name] = true
				out = append(out, commitArgument{
					place:  place{stepWhere(c, d.BuildStep), Location{File: c.Build.Dockerfile, Line: in.Line}},
					why:    fmt.Sprintf("%q (line %d) stands above it: it runs again whenever %s has another value, which by its name is with each commit or build", said(in.Text, 80), in.Line, name),
					fix:    fmt.Sprintf("Move ARG %s, and the ENV that takes it, below %q, to where it is used.", name, said(instructionOf(d.BuildStep), 80)),
					system: d.system,
				})
			}
		}
	}
	return out
}

// above are the instructions before a step, in its stage and in those that this one is built on.
func above(all []evidence.Instruction, s evidence.BuildStep) []evidence.Instruction {
	stage := s.Stage
	if stage == "" && len(all) > 0 { // the only one
		stage = all[len(all)-1].Stage
	}
	if s.Line == 0 {
		return nil
	}
	return aboveIn(all, stage, s.Line, 0)
}

func aboveIn(all []evidence.Instruction, stage string, line, depth int) []evidence.Instruction {
	var out []evidence.Instruction
	for _, in := range all {
		if in.Stage != stage || line > 0 && in.Line >= line || depth > len(all) {
			continue
		}
		out = append(out, in)
		if parsed := shell.ParseHistory(in.Text); parsed.Keyword == "FROM" {
			if base := strings.ToLower(firstPlain(parsed.Body.Of(in.Text))); base != stage { // an image of no stage hands nothing on that is known
				out = append(out, handedOn(aboveIn(all, base, 0, depth+1))...)
			}
		}
	}
	return out
}

// handedOn are the instructions of a stage less the arguments that end with it: those of which
// no RUN and no ENV after them made anything.
func handedOn(stage []evidence.Instruction) []evidence.Instruction {
	return slices.DeleteFunc(slices.Clone(stage), func(in evidence.Instruction) bool {
		return len(argumentNames(in)) > 0 && !slices.ContainsFunc(stage, func(later evidence.Instruction) bool {
			keyword := shell.ParseHistory(later.Text).Keyword
			takes := slices.ContainsFunc(argumentNames(in), func(name string) bool {
				return strings.Contains(later.Text, "$"+name) || strings.Contains(later.Text, "${"+name)
			})
			return later.Line > in.Line && (keyword == "RUN" || keyword == "ENV" && takes)
		})
	})
}

func firstPlain(text string) string {
	for w := range strings.FieldsSeq(text) {
		if !strings.HasPrefix(w, "--") {
			return w
		}
	}
	return ""
}

// argumentNames are those of an ARG.
func argumentNames(in evidence.Instruction) []string {
	parsed := shell.ParseHistory(in.Text)
	if parsed.Keyword != "ARG" {
		return nil
	}
	var out []string
	for w := range strings.FieldsSeq(parsed.Body.Of(in.Text)) {
		name, _, _ := strings.Cut(w, "=")
		out = append(out, name)
	}
	return out
}

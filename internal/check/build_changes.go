package check

import (
	"cmp"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Change is an experiment with the build: which files to give other content, and which
// steps it is about.
type Change struct {
	// Files are relative to the context. None means that there is nothing to learn.
	Files []string
	// Matters tells the steps whose fate is of interest.
	Matters func(evidence.BuildStep) bool
}

// SourceChange is the change for build/dependency-layer-cached: of the source files that the
// contract names, else of a sample of those that the Dockerfile copies.
func SourceChange(b contract.Build, built evidence.Build, c evidence.BuildContext) Change {
	deps, err := dependencySteps(built.Steps, b.DependencySteps)
	if err != nil || len(deps) == 0 {
		return Change{}
	}
	out := Change{Matters: oneOf(deps)}
	for _, s := range b.Sources() {
		if rel, err := filepath.Rel(b.Context, s); err == nil {
			out.Files = append(out.Files, filepath.ToSlash(rel))
		}
	}
	if out.Files == nil {
		out.Files = sample(deps, built.Steps, c)
	}
	return out
}

// LockChange is the change for build/lockfile-change-rebuilds: of the files that decide what
// the dependency steps install.
func LockChange(b contract.Build, built evidence.Build, c evidence.BuildContext) Change {
	deps, err := dependencySteps(built.Steps, b.DependencySteps)
	if err != nil {
		return Change{}
	}
	var subjects []dependencyStep
	var out Change
	for _, d := range deps {
		files := lockFilesOf(d, built.Steps, c)
		if len(files) > 0 {
			subjects = append(subjects, d)
		}
		out.Files = append(out.Files, files...)
	}
	slices.Sort(out.Files)
	out.Files, out.Matters = slices.Compact(out.Files), oneOf(subjects)
	return out
}

// lockFilesOf are the files that decide what a step installs: those that it sees, or where
// it sees none, those that a later instruction copies. It has none when it installs what
// its own command line names.
func lockFilesOf(d dependencyStep, steps []evidence.BuildStep, c evidence.BuildContext) []string {
	if d.system || !d.fromFiles() {
		return nil
	}
	var sent []string
	for _, e := range c.Entries {
		if e.Sent && !slices.Contains(sent, e.Path) {
			sent = append(sent, e.Path)
		}
	}
	seen := inputsOf(d.BuildStep, steps, &c)
	if d.manager == ownManager {
		for _, r := range lockRules {
			if files := lockRuleOf(r.manager).deciding(seen); len(files) > 0 {
				return files
			}
		}
		return nil
	}
	rule := lockRuleOf(d.manager)
	// A lock file that only a later COPY takes is one that the step should have seen.
	if files := fitting(seen, rule.locks); len(files) == 0 && len(rule.locks) > 0 && d.manager != "go" {
		if files := fitting(sent, rule.locks); len(files) > 0 {
			return files
		}
	}
	if files := rule.deciding(seen); len(files) > 0 {
		return files
	}
	return rule.deciding(sent)
}

func oneOf(deps []dependencyStep) func(evidence.BuildStep) bool {
	return func(s evidence.BuildStep) bool {
		return slices.ContainsFunc(deps, func(d dependencyStep) bool { return d.Name == s.Name })
	}
}

const (
	fairSample    = 3 // so many are taken where they are there, whatever folder they lie in
	maxSample     = 5
	maxSampleSize = 1 << 20 // bytes
)

// sourceEndings are those of programs, and of what is built into them.
var sourceEndings = []string{".go", ".py", ".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".vue", ".svelte", ".rb", ".java", ".kt", ".scala", ".rs", ".c", ".h", ".cc", ".cpp",
	".cs", ".fs", ".php", ".ex", ".exs", ".erl", ".swift", ".sh", ".sql", ".graphql", ".proto", ".html", ".css", ".scss", ".tmpl", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg"}

// sample picks source files: first of what is copied before a dependency step, as one of
// those would do the harm; then such as differ in folder and ending.
func sample(deps []dependencyStep, steps []evidence.BuildStep, c evidence.BuildContext) []string {
	var out []string
	groups := map[string][]string{}
	early := map[string][]string{} // by the instruction that takes them before a dependency step
	var rests []taking
	for _, d := range deps {
		rests = append(rests, takings(append(before(d.BuildStep, steps), d.BuildStep))...)
	}
	for _, e := range c.Entries {
		if !e.Sent || !sampled(e) {
			continue
		}
		group := strings.SplitN(path.Dir(e.Path), "/", 2)[0] + " " + path.Ext(e.Path)
		source := slices.Contains(sourceEndings, path.Ext(e.Path))
		for _, t := range rests {
			if t.has(e.Path) && !slices.Contains(early[t.step.Name], e.Path) {
				early[t.step.Name] = append(early[t.step.Name], e.Path)
			}
		}
		if source {
			groups[group] = append(groups[group], e.Path)
		}
	}
	add := func(files []string) {
		for _, f := range files {
			if len(out) < maxSample && !slices.Contains(out, f) {
				out = append(out, f)
				return
			}
		}
	}
	for _, s := range steps {
		add(sourcesFirst(early[s.Name]))
	}
	names := make([]string, 0, len(groups))
	for g := range groups {
		names = append(names, g)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	for round := 0; round == 0 || round < fairSample && len(out) < fairSample; round++ {
		for _, g := range names {
			add(groups[g])
		}
	}
	return out
}

func sourcesFirst(files []string) []string {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b string) int {
		x, y := slices.Contains(sourceEndings, path.Ext(a)), slices.Contains(sourceEndings, path.Ext(b))
		switch {
		case x == y:
			return 0
		case x:
			return -1
		}
		return 1
	})
	return files
}

// unlikely are files whose change nobody takes for one of the source.
var unlikely = []string{".*", "README*", "LICEN[CS]E*", "COPYING*", "NOTICE*", "CHANGELOG*", "*.md", "*.rst", "Dockerfile*", "*.Dockerfile", "*.dockerignore", "Containerfile*"}

func sampled(e evidence.ContextEntry) bool {
	if strings.HasSuffix(e.Path, "/") || e.Bytes > maxSampleSize || installInput(e.Path) || fitsName(e.Path, unlikely) {
		return false
	}
	_, junk := junkKind(e.Path)
	return !junk
}

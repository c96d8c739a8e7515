package check

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noSourceLeaks = Check{
	ID:    "image/no-source-leaks",
	Title: "Nothing is in the image that .dockerignore should have kept out",
	Why: "A .git folder hands the whole history of the source to everybody who pulls the image; tests, caches and settings of " +
		"editors make it larger and change its layers without need.",
	Fix:     "Name it in .dockerignore, or COPY only what the program needs. What is meant to be there is named in the contract's files.allow.",
	Story:   Minimal,
	Needs:   []evidence.Section{evidence.SectionImage},
	ByPlace: true,
	At:      []Spot{inDockerfile("COPY", "ADD"), inContainer("image")},
	Judge:   judgeNoSourceLeaks,
}

// leftoverWords say what each kind is.
var leftoverWords = map[string]string{
	"vcs": "version control data", "tests": "tests", "migrations": "migrations of the database", "host-venv": "a virtual environment of another machine, whose Python is not here",
	"bytecode": "bytecode of another Python", "cache": "a tool's cache", "editor": "an editor's file", "ci": "settings of a CI",
	"dockerfile": "what the image is built by", "env-file": "settings of an environment",
}

func judgeNoSourceLeaks(c contract.Contract, e evidence.Evidence) Judgement {
	promised := "no version control data, tests, caches, environment files or settings of tools in any layer"
	if f := c.Files.Forbid; len(f) > 0 {
		promised += ", and nothing that is called " + list(f)
	}
	j, img := filesOf(e, promised)
	if img == nil {
		return j
	}
	where, allowed := placesOf(*img), contract.NewPaths(c.Files.Allow)
	var names, ignore []string
	var notes []Finding
	owned := 0
	for _, l := range img.Leftovers {
		if pattern, _ := allowed.Match(l.Path); pattern != "" {
			continue
		}
		if l.Owner != "" && l.Kind != "forbidden" {
			owned++
			continue
		}
		at, words := where.file(l.Path, l.Layer, l.Reach), leftoverText(l)
		if reason := harmlessLeftover(l, img.Packages); reason != "" {
			notes = append(notes, Finding{Where: at.words, Message: words + "; " + reason, Note: true, Detail: true})
			continue
		}
		j.brokenAt(at, "%s", words)
		names = append(names, l.Path)
		if line := "**/" + path.Base(l.Path); !slices.Contains(ignore, line) {
			ignore = append(ignore, line)
		}
	}
	j.Findings = append(j.Findings, notes...)
	if owned > 0 {
		j.detail(img.Ref, "%s besides belong to installed packages", count(owned, "such path"))
	}
	if len(names) == 0 {
		return j.pass("No source leaks OK", "nothing of the kind")
	}
	return j.fail(fmt.Sprintf("%s: %s", count(len(names), "path")+" that should not be there", brief(list(names), 200)), leakFix(ignore))
}

func leftoverText(l evidence.Leftover) string {
	words := leftoverWords[l.Kind]
	switch {
	case l.Kind == "forbidden":
		words = "forbidden by the contract's files.forbid: " + l.Glob
	case words == "":
		words = l.Kind
	}
	if l.Files > 1 {
		return fmt.Sprintf("%s, %s with %s", words, count(l.Files, "file"), dataSize(l.Bytes))
	}
	return words + ", " + dataSize(l.Bytes)
}

// leakFix names the lines for .dockerignore.
func leakFix(lines []string) string {
	const most = 8
	fix := "Add to .dockerignore: " + strings.Join(lines[:min(most, len(lines))], "  ")
	if len(lines) > most {
		fix += "  …"
	}
	return fix + " — or COPY only what the program needs. What is meant to be there is named in the contract's files.allow."
}

var (
	// systemPath is where distributions, languages and package managers install; the source of
	// an API goes elsewhere.
	systemPath = regexp.MustCompile(`^/(?:usr/(?:local/)?(?:bin|sbin|lib|lib64|libexec|share|include|go|etc)|lib|lib64|bin|sbin|etc|var/lib|var/cache)/`)
	// dependencyPath is a package's own folder, also where no record lists its files.
	dependencyPath = regexp.MustCompile(`/(?:node_modules|site-packages|dist-packages|vendor|gems)/`)
	// envTemplate names what a .env file is made from, and what Next.js and the like ship.
	envTemplate = regexp.MustCompile(`^\.env\.(?:.*\.)?(?:example|sample|template|tmpl|dist|defaults?|schema|production|prod|vault)$`)
)

// harmlessLeftover says why a path is no leak, empty when it is one. Version control data,
// environments of other machines and what the contract forbids are one wherever they lie.
func harmlessLeftover(l evidence.Leftover, packages []evidence.Package) string {
	base := path.Base(l.Path)
	switch l.Kind {
	case "vcs", "host-venv", "forbidden":
		return ""
	case "env-file":
		if envTemplate.MatchString(base) {
			return "such a file is often meant to be there; files.forbid can say that it is not"
		}
		return ""
	case "cache":
		if base == ".cache" {
			return ""
		}
	case "migrations":
		// Django needs them at run time, and so does whoever migrates with the image itself.
		if !strings.HasPrefix(base, "alembic") {
			return "the program may need them; files.forbid can say that it does not"
		}
		if slices.ContainsFunc(packages, func(p evidence.Package) bool { return p.Ecosystem == "python" && p.Name == "alembic" }) {
			return "alembic is installed, so the image may run them; files.forbid can say that it does not"
		}
	}
	if dependencyPath.MatchString(l.Path) {
		return "it lies in a dependency"
	}
	if systemPath.MatchString(l.Path) {
		return "it lies where distributions and languages install"
	}
	return ""
}

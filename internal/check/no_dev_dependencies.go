package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noDevDependencies = Check{
	ID:    "image/no-dev-dependencies",
	Title: "No test or development tooling is in the image",
	Why: "Test runners, linters and toolchains make the image larger and slower to pull, bring vulnerabilities that nobody needs, " +
		"and give an intruder tools. They show that the development dependencies were installed for production.",
	Fix: "Install the runtime dependencies alone in the last stage (uv sync --no-dev, pip without the test extras, npm ci --omit=dev, " +
		"a Go binary copied from the builder), or name what is meant to be there in the contract's devDependencies.allow.",
	Story:   Minimal,
	Profile: contract.ProfileRecommended,
	Needs:   []evidence.Section{evidence.SectionImage},
	ByPlace: true,
	At:      []Spot{inDockerfile("RUN", "COPY"), inContainer("image")},
	Judge:   judgeNoDevDependencies,
}

// tooling is one piece of it, with all the records by which it was recognised.
type tooling struct {
	name    string
	records []string
	places  []string
	// own tells that a layer of the user's own build has some of it.
	own bool
}

// inventory sorts what an image holds into faults and what is merely told.
type inventory struct {
	img      evidence.Image
	where    places
	base     base
	contract contract.DevDependencies
	faults   []*tooling
	present  []string
}

func judgeNoDevDependencies(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no test runner, linter, debugger or toolchain in the image's final file system"}
	if f := c.DevDependencies.Forbid; len(f) > 0 {
		j.Promised += ", and none of " + list(f)
	}
	if c.DevDependencies.Strict {
		j.Promised += ", and no compiler, build tool or package manager"
	}
	j, img := filesOf(e, j.Promised)
	if img == nil {
		return j
	}
	inv := inventory{img: *img, where: placesOf(*img), base: baseOf(c, e), contract: c.DevDependencies}
	inv.read()
	for _, t := range inv.faults {
		j.brokenAs(t.name, strings.Join(t.places, "; "), "%s: %s", t.name, strings.Join(t.records, "; "))
	}
	if len(inv.present) > 0 {
		j.note(inv.img.Ref, "also there, and no fault unless the contract's devDependencies.forbid names them, or is strict: %s", list(inv.present))
	}
	if len(inv.faults) > 0 {
		var found []string
		for _, t := range inv.faults {
			found = append(found, t.name)
		}
		return j.fail(fmt.Sprintf("%s: %s", count(len(found), "piece")+" of development tooling", brief(list(found), 200)), inv.fix())
	}
	return j.pass("Dev deps absent OK", fmt.Sprintf("none among %s, %s and %s", count(len(inv.img.Packages), "package"),
		count(len(inv.img.Tools), "known tool"), count(len(inv.img.GoBinaries), "Go program")))
}

func (inv *inventory) read() {
	for _, p := range inv.img.Packages {
		record := strings.TrimSpace(fmt.Sprintf("%s package %s %s", p.Ecosystem, p.Name, p.Version)) + " by " + p.Path
		dev := devPackage(p.Ecosystem, p.Name)
		if p.Own && !pythonDev[dev] { // its name only begins like that of a plugin
			dev = ""
		}
		if dev == "" && p.Dev {
			dev = p.Name
			record += ", marked as a development dependency"
		}
		name := strings.ToLower(p.Name)
		inv.sort(dev, p.Name, record, p.Layer, tolerated[name] || inv.contract.Strict && systemManagers[name])
	}
	for _, b := range inv.img.GoBinaries {
		record := fmt.Sprintf("Go program %s, built from %s", b.Path, b.Package)
		dev := goDev[b.Package]
		switch {
		case b.Test || strings.HasSuffix(b.Package, ".test"):
			dev = "test binary " + path.Base(b.Path)
		case strings.HasPrefix(b.Package, "cmd/"): // only Go's own programs have such a path
			dev = goToolchain
		}
		inv.sort(dev, path.Base(b.Path), record, b.Layer, false)
	}
	for _, t := range inv.img.Tools {
		inv.sort(toolDev[toolName(t.Name)], t.Name, "program "+t.Path, t.Layer, true)
	}
}

// sort puts one record where it belongs. dev is the tooling's name, empty when the lists
// do not know it; told, whether it is worth a note then.
func (inv *inventory) sort(dev, name, record string, layer int, told bool) {
	named := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(g string) bool {
			return globMatches(g, name) || (dev != "" && globMatches(g, dev)) || globMatches(g, toolName(name))
		})
	}
	switch {
	case named(inv.contract.Allow):
	case named(inv.contract.Forbid):
		if dev == "" {
			dev = name
		}
		inv.fault(dev, record+", forbidden by the contract", layer)
	case dev != "":
		inv.fault(dev, record, layer)
	case told && inv.contract.Strict:
		inv.fault(toolName(name), record+", forbidden by the contract's devDependencies.strict", layer)
	case told:
		if n := toolName(name); !slices.Contains(inv.present, n) {
			inv.present = append(inv.present, n)
		}
	}
}

// globMatches compares names as Python's normalisation would make them.
func globMatches(glob, name string) bool {
	ok, err := path.Match(pythonName(glob), pythonName(name))
	return err == nil && ok
}

// fault merges the records of one tool: pytest is a package and a program.
func (inv *inventory) fault(name, record string, layer int) {
	i := slices.IndexFunc(inv.faults, func(t *tooling) bool { return t.name == name })
	if i < 0 {
		i = len(inv.faults)
		inv.faults = append(inv.faults, &tooling{name: name})
	}
	t := inv.faults[i]
	const most = 3 // the toolchain has twenty programs
	if len(t.records) < most {
		t.records = append(t.records, record)
	}
	place := inv.where.layer(layer) + ", reachable"
	if inv.base.has(layer) {
		place += ", from " + inv.base.words()
	} else {
		t.own = true
	}
	if !slices.Contains(t.places, place) {
		t.places = append(t.places, place)
	}
}

// fix is what to change where the base image brings some of it; it is empty where that brings none.
func (inv *inventory) fix() string {
	var based, own []string
	for _, t := range inv.faults {
		if t.own {
			own = append(own, t.name)
		} else {
			based = append(based, t.name)
		}
	}
	if len(based) == 0 {
		return ""
	}
	name := "The base image"
	if inv.base.name != "" {
		name += " " + said(inv.base.name, 80)
	}
	if inv.base.seems {
		name += ", it seems,"
	}
	fix := fmt.Sprintf("%s brings %s: to delete it in your own stage hides it, and its layers are shipped all the same. Build on an image without it (a slim, runtime or distroless one) "+
		"and copy what you built into that; or, where you need it, name it in the contract's devDependencies.allow.", name, brief(list(based), 120))
	if len(own) > 0 {
		fix += fmt.Sprintf(" For %s, which your own build brings: install the runtime dependencies alone in the last stage.", brief(list(own), 120))
	}
	return fix
}

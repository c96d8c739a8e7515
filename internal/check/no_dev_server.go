package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noDevServer = Check{
	ID:    "image/no-dev-server",
	Title: "The container starts no development server, and no debug mode is on",
	Why: "A development server takes one request at a time or a few, restarts when a file changes, and shows its source and its settings " +
		"to whoever causes an error; a debugger's port lets anyone who reaches it run code. Their makers say: not in production.",
	Fix: "Start a server that is made for production (gunicorn, uvicorn without --reload, next start, node without --inspect, php-fpm), and leave debug modes " +
		"to the developer's own environment.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionImage},
	At:    []Spot{theCommand, inContainer("image")},
	Judge: judgeNoDevServer,
}

func judgeNoDevServer(c contract.Contract, e evidence.Evidence) Judgement {
	j, img := imageOf(e, "a server for production, without reloading and without a debug mode")
	if img == nil {
		return j
	}
	where := place{words: commandPlace(e)}
	if l := theCommand(c, e); l != nil {
		where.Location = *l
	}
	command := declaredCommand(e)
	var faults []string
	opaque := ""
	for i, s := range commandsOf(img.Entry, command) {
		line := said(strings.Join(s.words, " "), 80)
		where := where
		if s.script != "" {
			where.words += ", package.json, script " + said(s.script, 40)
		}
		switch what, sure := devServer(s.words); {
		case what != "" && sure && !s.maybe:
			j.brokenAt(where, "`%s`: %s", line, what)
			faults = append(faults, what)
		case what != "":
			j.note(where.words, "`%s`: %s, as far as podproof can tell", line, what)
		case i == 0 && !img.LayersRead && len(img.Entry) == 0:
			opaque = "what " + said(s.words[0], 40) + " starts is not known: only the image's configuration was read, not its layers"
		}
		if name, _, known := nodeScript(img.Entry, s.words); devScript[name] {
			what := "the script " + name + ", which by its name is for development"
			if known || s.maybe || !img.LayersRead { // what it says was looked at, or will be
				j.note(where.words, "`%s`: %s", line, what)
				continue
			}
			j.brokenAt(where, "`%s`: %s", line, what)
			faults = append(faults, what)
		}
	}
	env := environ(e)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		switch what, sure := debugMode(name, env[name]); {
		case what == "":
		case sure:
			j.brokenAt(envPlace(c, e, name), "%s=%s: %s", name, said(env[name], 60), what)
			faults = append(faults, name+"="+said(env[name], 60))
		default:
			j.note(envPlace(c, e, name).words, "%s=%s: %s, as far as podproof can tell", name, said(env[name], 60), what)
		}
	}
	switch {
	case len(faults) > 0:
		return j.fail(brief(list(faults), 200), "")
	case opaque != "":
		return j.undecided(opaque, readLayers)
	case len(command) == 0:
		return j.skip("the image names no program to start, so it looks like a base image")
	}
	return j.pass("No dev server OK", fmt.Sprintf("`%s` is none that podproof knows, and no variable turns a debug mode on", said(strings.Join(command, " "), 80)))
}

// envPlace says where a variable is set.
func envPlace(c contract.Contract, e evidence.Evidence, name string) place {
	if e.Workload != nil {
		if k := containerOf(*e.Workload); k != nil {
			for _, v := range k.Env {
				if v.Name == name {
					words := fmt.Sprintf("%s %s, container %s, env %s", e.Workload.Kind, e.Workload.Name, k.Name, name)
					return podPlace(*e.Workload, words, containerField(*k, "env["+name+"]"))
				}
			}
		}
	}
	words, line := instructionOfEnv(*e.Image, name)
	p := place{words: words}
	if l := historyLine(c, e, line); l != nil {
		p.Location = *l
	}
	return p
}

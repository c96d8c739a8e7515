package check

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// taking is what an instruction takes from the build context.
type taking struct {
	step    evidence.BuildStep
	sources []source
	// remote is set where it fetches a URL or a repository, too.
	remote bool
}

// source is one path of the context, or a pattern, that an instruction names; "." is all.
type source struct {
	path      string
	fits, not contract.Paths
}

// takes reads COPY, ADD, and the bind mounts of RUN.
func takes(s evidence.BuildStep) taking {
	text := strings.TrimSpace(strings.TrimPrefix(instructionOf(s), "ONBUILD "))
	word, rest, _ := strings.Cut(text, " ")
	t := taking{step: s}
	var sources, excluded []string
	switch strings.ToUpper(word) {
	case "COPY", "ADD":
		sources, excluded, t.remote = takenByCopy(rest, strings.EqualFold(word, "ADD"))
	case "RUN":
		sources = takenByMount(rest)
	}
	for _, p := range sources {
		x := source{path: p, fits: contract.NewPaths([]string{"/" + p})}
		for _, e := range excluded {
			x.not = append(x.not, contract.NewPaths([]string{"/" + path.Join(p, e)})...)
		}
		t.sources = append(t.sources, x)
	}
	return t
}

// takings are those of steps that take something.
func takings(steps []evidence.BuildStep) []taking {
	var out []taking
	for _, s := range steps {
		if t := takes(s); len(t.sources) > 0 {
			out = append(out, t)
		}
	}
	return out
}

func takenByCopy(rest string, add bool) (sources, excluded []string, remote bool) {
	words, flags := wordsOf(rest)
	for _, f := range flags {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "--from":
			return nil, nil, false
		case "--exclude":
			excluded = append(excluded, value)
		}
	}
	for _, w := range words[:max(0, len(words)-1)] {
		switch {
		case strings.HasPrefix(w, "<<"): // a here-document
		case add && (strings.Contains(w, "://") || strings.HasPrefix(w, "git@")):
			remote = true
		default:
			sources = append(sources, inContext(w))
		}
	}
	return sources, excluded, remote
}

// wordsOf takes the arguments of an instruction apart, flags first, JSON or not.
func wordsOf(rest string) (words, flags []string) {
	first, _, _ := strings.Cut(rest, "\n") // what follows is a here-document
	all := strings.Fields(first)
	for len(all) > 0 && strings.HasPrefix(all[0], "--") {
		flags, all = append(flags, all[0]), all[1:]
	}
	if joined := strings.Join(all, " "); strings.HasPrefix(joined, "[") && json.Unmarshal([]byte(joined), &words) == nil {
		return words, flags
	}
	for _, w := range all {
		words = append(words, strings.Trim(w, `"'`))
	}
	return words, flags
}

func takenByMount(rest string) (sources []string) {
	_, flags := wordsOf(rest)
	for _, f := range flags {
		value, ok := strings.CutPrefix(f, "--mount=")
		if !ok {
			continue
		}
		options := map[string]string{"type": "bind", "source": "."}
		for _, o := range strings.Split(value, ",") {
			k, v, _ := strings.Cut(o, "=")
			if k == "src" {
				k = "source"
			}
			options[k] = v
		}
		if _, from := options["from"]; options["type"] == "bind" && !from {
			sources = append(sources, inContext(options["source"]))
		}
	}
	return sources
}

// inContext is a source as a path below the context's root.
func inContext(source string) string {
	if p := strings.TrimPrefix(path.Clean("/"+source), "/"); p != "" {
		return p
	}
	return "."
}

// has tells whether a path of the context is taken. A folder's entry is taken when
// something in it is.
func (t taking) has(p string) bool {
	folder := strings.HasSuffix(p, "/")
	p = strings.TrimSuffix(p, "/")
	return slices.ContainsFunc(t.sources, func(s source) bool {
		if pattern, _ := s.not.Match(p); pattern != "" {
			return false
		}
		if s.path == "." || folder && strings.HasPrefix(s.path, p+"/") {
			return true
		}
		pattern, _ := s.fits.Match(p)
		return pattern != ""
	})
}

// names tells whether an instruction asks for just this path, or for something in it, and
// not for all that lies around it.
func (t taking) names(p string) bool {
	return slices.ContainsFunc(t.sources, func(s source) bool { return s.path == p || strings.HasPrefix(s.path, p+"/") })
}

// takers are those that take a path of the context.
func takers(p string, all []taking) []taking {
	return slices.DeleteFunc(slices.Clone(all), func(t taking) bool { return !t.has(p) })
}

// inputsOf are the paths of the context that a step sees: those that it mounts, and those
// that steps before it took.
func inputsOf(s evidence.BuildStep, steps []evidence.BuildStep, c *evidence.BuildContext) []string {
	rests := takings(append(before(s, steps), s))
	var out []string
	for _, e := range c.Entries {
		if slices.ContainsFunc(rests, func(t taking) bool { return t.has(e.Path) }) {
			out = append(out, e.Path)
		}
	}
	return out
}

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
	// sources are its patterns, relative to the context; "." is all of it.
	sources  []string
	excluded []string
	// remote is set where it fetches a URL or a repository, too.
	remote bool
}

// takes reads COPY, ADD, and the bind mounts of RUN.
func takes(s evidence.BuildStep) taking {
	text := strings.TrimSpace(strings.TrimPrefix(instructionOf(s), "ONBUILD "))
	word, rest, _ := strings.Cut(text, " ")
	switch strings.ToUpper(word) {
	case "COPY", "ADD":
		return takesByCopy(rest, strings.EqualFold(word, "ADD"))
	case "RUN":
		return takesByMount(rest)
	}
	return taking{}
}

func takesByCopy(rest string, add bool) (t taking) {
	words, flags := wordsOf(rest)
	for _, f := range flags {
		name, value, _ := strings.Cut(f, "=")
		switch name {
		case "--from":
			return taking{}
		case "--exclude":
			t.excluded = append(t.excluded, value)
		}
	}
	for _, w := range words[:max(0, len(words)-1)] {
		switch {
		case strings.HasPrefix(w, "<<"): // a here-document
		case add && (strings.Contains(w, "://") || strings.HasPrefix(w, "git@")):
			t.remote = true
		default:
			t.sources = append(t.sources, inContext(w))
		}
	}
	return t
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

func takesByMount(rest string) (t taking) {
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
			t.sources = append(t.sources, inContext(options["source"]))
		}
	}
	return t
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
	return slices.ContainsFunc(t.sources, func(source string) bool {
		for _, x := range t.excluded {
			if pattern, _ := contract.NewPaths([]string{"/" + path.Join(source, x)}).Match(p); pattern != "" {
				return false
			}
		}
		if source == "." || folder && strings.HasPrefix(source, p+"/") {
			return true
		}
		pattern, _ := contract.NewPaths([]string{"/" + source}).Match(p)
		return pattern != ""
	})
}

// takers are the steps that take a path of the context, of those given.
func takers(p string, steps []evidence.BuildStep) []evidence.BuildStep {
	return slices.DeleteFunc(slices.Clone(steps), func(s evidence.BuildStep) bool { return !takes(s).has(p) })
}

// inputsOf are the paths of the context that a step sees: those that it mounts, and those
// that steps before it took.
func inputsOf(s evidence.BuildStep, steps []evidence.BuildStep, c *evidence.BuildContext) []string {
	rests := append(before(s, steps), s)
	var out []string
	for _, e := range c.Entries {
		if len(takers(e.Path, rests)) > 0 {
			out = append(out, e.Path)
		}
	}
	return out
}

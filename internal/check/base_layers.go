package check

import (
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// baseLabel is where an image names its base (OCI image specification, annotations.md).
const baseLabel = "org.opencontainers.image.base.name"

// base is the image that the user's own stage is built on, as far as that is known.
type base struct {
	layers int    // its layers are the first ones; 0 where nothing tells
	name   string // "node:20", empty where nobody says it
	seems  bool   // it follows from the history alone
}

// has tells whether a layer is the base image's.
func (b base) has(layer int) bool { return layer >= 0 && layer < b.layers }

// words name it after "from".
func (b base) words() string {
	words := "the base image"
	if b.name != "" {
		words += " " + said(b.name, 80)
	}
	if b.seems {
		words += ", it seems"
	}
	return words
}

// baseOf reads the build where the image was built, and else the image's history.
func baseOf(c contract.Contract, e evidence.Evidence) base {
	h := e.Image.History
	b := base{name: e.Image.Config.Labels[baseLabel]}
	cut, known := -1, false
	if c.Build != nil && e.Build != nil && e.Build.Error == "" {
		own, from := ownInstructions(*e.Build, c.Build.Target)
		if cut, known = writtenBy(own, h); known && from != "" {
			b.name = from
		}
	}
	if !known {
		b.seems, cut = true, replacedCommand(h)+1
	}
	for _, line := range h[:cut] {
		switch {
		case line.EmptyLayer:
		case line.Layer < 0: // history and layers do not match
			return base{}
		default:
			b.layers = line.Layer + 1
		}
	}
	return b
}

// ownInstructions are those that make the image of the stage that is shipped, and of the stages that it is
// built on, and the image under all of them. There are none where an argument names what it is built on.
func ownInstructions(b evidence.Build, target string) (own []evidence.Instruction, from string) {
	for stage := target; ; {
		in := shipped(b, stage)
		if len(in) == 0 {
			return nil, ""
		}
		own = append(slices.Clone(in[1:]), own...)
		words := strings.Fields(in[0].Text)
		words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
		if len(words) < 2 || strings.Contains(words[1], "$") {
			return nil, ""
		}
		from = words[1]
		earlier := slices.ContainsFunc(b.Instructions, func(i evidence.Instruction) bool {
			return i.Stage == strings.ToLower(from) && i.Line < in[0].Line
		})
		if !earlier {
			return own, from
		}
		stage = from
	}
}

// writtenBy finds the end of the history that these instructions wrote, a line each: where that begins.
func writtenBy(own []evidence.Instruction, h []evidence.History) (cut int, known bool) {
	cut = len(h) - len(own)
	if len(own) == 0 || cut < 0 {
		return -1, false
	}
	for i, in := range own {
		if keywordOf(in) != shell.ParseHistory(h[cut+i].CreatedBy).Keyword {
			return -1, false
		}
	}
	return cut, true
}

// replacedCommand is the last CMD or ENTRYPOINT of a history that a later one replaces: a Dockerfile's stage
// has each once, so that it ends an image on which another is built. It is -1 where there is none.
func replacedCommand(h []evidence.History) int {
	later := map[string]bool{}
	for i, line := range slices.Backward(h) {
		k := shell.ParseHistory(line.CreatedBy).Keyword
		if k != "CMD" && k != "ENTRYPOINT" {
			continue
		}
		if later[k] {
			return i
		}
		later[k] = true
	}
	return -1
}

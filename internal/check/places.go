package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
	"podproof.dev/podproof/internal/shell"
)

// places names the layers of one image for findings, each with the instruction that made it.
type places []string

// placesOf masks the instructions: a finding about a file must show no secret of a RUN line.
func placesOf(img evidence.Image) places {
	out := make(places, len(img.Layers))
	for i, l := range img.Layers {
		out[i] = fmt.Sprintf("layer %d of %d", i+1, len(img.Layers))
		if by := instructionWords(redact.History(l.CreatedBy)); by != "" {
			out[i] += " (" + brief(by, 80) + ")"
		}
	}
	return out
}

// layer says "layer 3 of 7 (COPY . .)".
func (p places) layer(i int) string {
	if i < 0 || i >= len(p) {
		return "an unknown layer"
	}
	return p[i]
}

// file says "/app/.env, layer 3 of 7 (COPY . .), reachable".
func (p places) file(path string, layer int, reach evidence.Reach) place {
	out := place{path + ", " + p.layer(layer) + ", reachable", Location{Path: path}}
	if reach == evidence.HistoryOnly {
		out.words = path + ", " + p.layer(layer) + ", history only (deleted or replaced later, and shipped all the same)"
	}
	if layer >= 0 && layer < len(p) {
		out.Layer = layer + 1
	}
	return out
}

// final is file for a path of the final file system.
func (p places) final(path string, layer int) place { return p.file(path, layer, evidence.Reachable) }

// instructionWords is a line of history as a Dockerfile would have it: without build
// arguments and without the shell that the builder writes out.
func instructionWords(line string) string {
	in := shell.ParseHistory(line)
	body := strings.TrimSpace(in.Body.Of(line))
	if in.Keyword == "RUN" {
		body = strings.TrimPrefix(body, "/bin/sh -c ")
	}
	if body == "" {
		return ""
	}
	return in.Keyword + " " + body
}

// instructionPlace names the last line of history with a keyword, which is the one that
// counts for USER, CMD and the like.
func instructionPlace(img evidence.Image, keyword string) string {
	for i := len(img.History) - 1; i >= 0; i-- {
		if by := redact.History(img.History[i].CreatedBy); shell.ParseHistory(by).Keyword == keyword {
			return fmt.Sprintf("history line %d of %d (%s)", i+1, len(img.History), brief(instructionWords(by), 80))
		}
	}
	return "the image's configuration"
}

// commandPlace says where the container's command stands.
func commandPlace(e evidence.Evidence) string {
	if e.Workload != nil {
		if c := containerOf(*e.Workload); c != nil && len(c.Command) > 0 {
			return fmt.Sprintf("%s %s, container %s, command", e.Workload.Kind, e.Workload.Name, c.Name)
		}
	}
	if len(e.Image.Config.Entrypoint) > 0 {
		return instructionPlace(*e.Image, "ENTRYPOINT")
	}
	return instructionPlace(*e.Image, "CMD")
}

// instructionOfEnv names the line of history that set a variable last, with its number from 0 or -1.
func instructionOfEnv(img evidence.Image, name string) (string, int) {
	for i := len(img.History) - 1; i >= 0; i-- {
		by := redact.History(img.History[i].CreatedBy)
		in := shell.ParseHistory(by)
		if in.Keyword != "ENV" {
			continue
		}
		for _, p := range shell.Pairs(by, in.Body) {
			if p.Name.Of(by) == name {
				return fmt.Sprintf("history line %d of %d (%s)", i+1, len(img.History), brief(instructionWords(by), 80)), i
			}
		}
	}
	return "the image's configuration, ENV " + name, -1
}

const readLayers = "Run podproof again with the image at hand; its layers hold the answer."

// imageOf begins a judgement on an image. Without one the judgement is complete, and the
// image nil.
func imageOf(e evidence.Evidence, promised string) (Judgement, *evidence.Image) {
	if e.Image == nil {
		return inconclusive(e, evidence.SectionImage, promised), nil
	}
	return Judgement{Promised: promised, Seconds: e.Image.Seconds}, e.Image
}

// filesOf is imageOf for a check that looks at the image's files. Where these were not read
// an empty list of what was found in them says nothing.
func filesOf(e evidence.Evidence, promised string) (Judgement, *evidence.Image) {
	j, img := imageOf(e, promised)
	switch {
	case img == nil:
		return j, nil
	case !img.LayersRead && e.Missing[evidence.SectionImage] != "":
		return inconclusive(e, evidence.SectionImage, promised), nil
	case !img.LayersRead:
		return j.undecided("only the image's configuration was read, not its layers", readLayers), nil
	case img.Read == nil:
		return j.undecided("this evidence was kept by a podproof that did not look through the image's files", readLayers), nil
	}
	return j, img
}

// dataSize says how much data it is: "24.1 MiB".
func dataSize(n int64) string {
	const unit = 1024
	switch {
	case n < unit:
		return count(int(n), "byte")
	case n < unit*unit:
		return fmt.Sprintf("%.0f KiB", float64(n)/unit)
	case n < unit*unit*unit:
		return fmt.Sprintf("%.1f MiB", float64(n)/(unit*unit))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(unit*unit*unit))
}

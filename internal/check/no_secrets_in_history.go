package check

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
	"podproof.dev/podproof/internal/shell"
)

var noSecretsInHistory = Check{
	ID:    "image/no-secrets-in-history",
	Title: "No secret stands in the image's history or configuration",
	Why: "Whoever can pull an image reads its history and its environment, also what a later layer unset. " +
		"A password in there is published with every push, and stays in every copy.",
	Fix: "Take the value out of the Dockerfile: a build reads it with RUN --mount=type=secret, the process gets it from a " +
		"Kubernetes Secret. Then replace the secret itself, since every copy of the image holds it.",
	Story:   Minimal,
	Needs:   []evidence.Section{evidence.SectionImage},
	ByPlace: true,
	At:      []Spot{theStage, inContainer("image")},
	Judge:   judgeNoSecretsInHistory,
}

// leak is one secret, with the places where it stands.
type leak struct {
	redact.Secret
	places []string
	line   int // of the history, from 1; 0 where it stands in none
}

func judgeNoSecretsInHistory(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no name in the image's environment, labels, commands or history has a secret as its value"}
	if e.Image == nil {
		return inconclusive(e, evidence.SectionImage, j.Promised)
	}
	j.Seconds = e.Image.Seconds
	leaks := leaksOf(*e.Image)
	for _, l := range leaks {
		j.brokenAs(l.message(), strings.Join(l.places, "; "), "%s", l.message())
		j.Findings[len(j.Findings)-1].Location = historyLine(c, e, l.line-1)
	}
	if len(leaks) > 0 {
		return j.fail(fmt.Sprintf("%s, readable by everybody who can pull the image: %s",
			count(len(leaks), "secret"), leaks[0].message()), "")
	}
	if len(e.Image.History) == 0 && reflect.ValueOf(e.Image.Config).IsZero() {
		return j.undecided("the image's configuration holds nothing, not even a command", "Let the contract's image name the one that is shipped: this one has no command, no user and no variable.")
	}
	if len(e.Image.History) == 0 {
		j.note(e.Image.Ref, "the image carries no history; its configuration alone was read")
	}
	return j.pass("No secrets in image layers OK", fmt.Sprintf("none in %s of history, %s and %s",
		count(len(e.Image.History), "line"), count(len(e.Image.Config.Env), "variable"), count(len(e.Image.Config.Labels), "label")))
}

// leaksOf lists the secrets of an image. It reads the masked image, so that what it says
// can hold no secret, and is the same for evidence from a file.
func leaksOf(raw evidence.Image) []leak {
	img := redact.Image(raw)
	var leaks []leak
	at := map[string]int{}
	line := 0
	collect := func(place, text string, find func(string) []redact.Secret) {
		for _, s := range find(text) {
			// The same secret often stands in the environment and in the history.
			key := strings.TrimLeft(s.Name, "-") + "\x00" + s.Of(text)
			if s.Name == "" {
				key += s.What
			}
			i, known := at[key]
			if !known {
				i, at[key] = len(leaks), len(leaks)
				leaks = append(leaks, leak{Secret: s})
			}
			if !slices.Contains(leaks[i].places, place) {
				leaks[i].places = append(leaks[i].places, place)
			}
			leaks[i].line = cmp.Or(leaks[i].line, line)
		}
	}
	c := img.Config
	for _, v := range c.Env {
		collect("config Env", v, redact.InPair)
	}
	for _, k := range slices.Sorted(maps.Keys(c.Labels)) {
		collect("config Labels", k+"="+c.Labels[k], redact.InPair)
	}
	collect("config Entrypoint", strings.Join(c.Entrypoint, "\x00"), redact.InText)
	collect("config Cmd", strings.Join(c.Cmd, "\x00"), redact.InText)
	collect("config Healthcheck", strings.Join(c.Healthcheck, "\x00"), redact.InText)
	for _, later := range c.OnBuild {
		collect("config OnBuild", later, redact.InHistory)
	}
	for i, h := range img.History {
		line = i + 1
		place := fmt.Sprintf("history line %d of %d, %s", i+1, len(img.History), shell.ParseHistory(h.CreatedBy).Keyword)
		if h.Layer >= 0 && h.Layer < len(img.Layers) {
			place += fmt.Sprintf(" (layer %d)", h.Layer+1)
		}
		collect(place, h.CreatedBy, redact.InHistory)
		collect(place, h.Comment, redact.InText)
	}
	line = 0
	for _, made := range img.Provenance {
		collect("provenance attestation, "+provenanceWords(made), made, redact.InHistory)
	}
	return leaks
}

// provenanceWords names what a line of the provenance is.
func provenanceWords(line string) string {
	switch shell.ParseHistory(line).Keyword {
	case "ARG":
		return "build argument"
	case "LABEL":
		return "label"
	}
	return "source"
}

func (l leak) message() string {
	switch {
	case l.Shape != "" && l.Name != "":
		return fmt.Sprintf("%s holds what looks like a secret (%s)", l.Name, strings.ReplaceAll(l.Shape, "-", " "))
	case l.Shape != "":
		return fmt.Sprintf("there is what looks like a secret (%s)", strings.ReplaceAll(l.Shape, "-", " "))
	case l.What != "" && l.Name != "":
		return fmt.Sprintf("%s holds %s", l.Name, l.What)
	case l.What != "":
		return fmt.Sprintf("%s is written out", l.What)
	case l.Name != "":
		return fmt.Sprintf("%s has its value written out", l.Name)
	}
	return "a value is masked that was taken for a secret"
}

package check

import (
	"fmt"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noWorldWritable = Check{
	ID:    "image/no-world-writable",
	Title: "Nobody but its owner can rewrite the code",
	Why: "A process that was broken into can put its own code in the place of the program's, where anyone may write. " +
		"It then runs with the next start, or as the next user.",
	Fix: "COPY without a mode for others (chmod o-w, never 777), and give the process a volume for what it writes. " +
		"What is meant to be so is named in the contract's files.allow.",
	Story:   Minimal,
	Needs:   []evidence.Section{evidence.SectionImage},
	ByPlace: true,
	At:      []Spot{inDockerfile("COPY", "ADD"), inContainer("image")},
	Judge:   judgeNoWorldWritable,
}

func judgeNoWorldWritable(c contract.Contract, e evidence.Evidence) Judgement {
	promised := "no code and no settings in the final file system that anyone may write to, sticky folders aside"
	if c.Files.Immutable {
		promised += ", and no code that belongs to the user who runs it"
	}
	j, img := filesOf(e, promised)
	if img == nil {
		return j
	}
	where, allowed := placesOf(*img), contract.NewPaths(c.Files.Allow)
	var faults []string
	for _, w := range img.WorldWritable {
		if pattern, _ := allowed.Match(w.Path); pattern != "" {
			continue
		}
		if !w.Code && !strings.HasPrefix(w.Path, "/etc/") {
			j.detail(where.final(w.Path, w.Layer).words, "%s; it is not code", writableWords(w))
			continue
		}
		faults = append(faults, w.Path)
		j.brokenAt(where.final(w.Path, w.Layer), "%s", writableWords(w))
	}
	own, unknown := codeOf(*img, runtimeUID(e))
	if own != nil {
		text := fmt.Sprintf("%s of code belong to UID %d, as which the container runs, such as %s", count(own.Files, "file"), own.UID, own.Example)
		if c.Files.Immutable {
			faults = append(faults, own.Example)
			j.brokenAt(where.final(own.Example, own.Layer), "%s: the process can rewrite them; COPY them without --chown", text)
		} else {
			j.note(where.final(own.Example, own.Layer).words, "%s; files.immutable: true in the contract would forbid it", text)
		}
	}
	if len(faults) > 0 {
		return j.fail(fmt.Sprintf("%s: %s", count(len(faults), "path")+" that can be rewritten", brief(list(faults), 200)), "")
	}
	if unknown && c.Files.Immutable {
		return j.undecided("code belongs to users other than root, and as which user the container runs is not known", "Let the Dockerfile end with a numeric USER.")
	}
	return j.pass("No world-writable code OK", "none")
}

func writableWords(w evidence.WritablePath) string {
	var s string
	switch {
	case w.Dir && w.Code:
		s = fmt.Sprintf("anyone may put files into this folder of code (mode %s)", w.Mode)
	case w.Dir:
		s = fmt.Sprintf("anyone may put files into this folder (mode %s)", w.Mode)
	case w.Code:
		s = fmt.Sprintf("anyone may rewrite this code (mode %s)", w.Mode)
	default:
		s = fmt.Sprintf("anyone may rewrite this file (mode %s)", w.Mode)
	}
	if w.Count > 0 {
		s += fmt.Sprintf(", and %d more below the same folder", w.Count)
	}
	return s
}

// runtimeUID is the user as whom the container runs: the pod's runAsUser, else the image's
// USER; nil where neither tells.
func runtimeUID(e evidence.Evidence) *int64 {
	if e.Workload != nil {
		pod, own := securityContexts(*e.Workload)
		if uid := over(own.RunAsUser, pod.RunAsUser); uid != nil {
			return uid
		}
	}
	name, _, _ := strings.Cut(e.Image.Config.User, ":")
	if uid, err := strconv.ParseInt(name, 10, 64); err == nil {
		return &uid
	}
	if name == "" {
		return new(int64)
	}
	if u := e.Image.User; u != nil {
		return u.UID
	}
	return nil
}

// codeOf is the code that belongs to a user. It is unknown when the user is and there is
// code of anyone but root.
func codeOf(img evidence.Image, uid *int64) (own *evidence.CodeOwner, unknown bool) {
	if uid == nil {
		return nil, len(img.CodeOwners) > 0
	}
	for i := range img.CodeOwners {
		if int64(img.CodeOwners[i].UID) == *uid {
			return &img.CodeOwners[i], false
		}
	}
	return nil, false
}

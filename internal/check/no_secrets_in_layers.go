package check

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var noSecretsInLayers = Check{
	ID:    "image/no-secrets-in-layers",
	Title: "No file of any layer holds a credential",
	Why: "Whoever can pull an image can open each of its layers, so a key that a later step deleted is as public as one that is " +
		"still there, and it stays in every copy.",
	Fix: "Keep the file out of the build (.dockerignore), or read it with RUN --mount=type=secret; the process gets its credentials " +
		"from a Kubernetes Secret. Then replace the credential itself. What only looks like one is named in the contract's secrets.allow.",
	Story:   Minimal,
	Needs:   []evidence.Section{evidence.SectionImage},
	ByPlace: true,
	At:      []Spot{inDockerfile("COPY", "ADD"), inContainer("image")},
	Judge:   judgeNoSecretsInLayers,
}

func judgeNoSecretsInLayers(c contract.Contract, e evidence.Evidence) Judgement {
	j, img := filesOf(e, "no credential in any file of any layer, deleted ones included")
	if img == nil {
		return j
	}
	where, allowed := placesOf(*img), contract.NewPaths(c.Secrets.Allow)
	used := map[string]bool{}
	var faults, deleted []evidence.FileSecret
	for _, s := range img.Secrets {
		pattern, _ := allowed.Match(s.Path + s.Inside)
		switch {
		case pattern != "":
			used[pattern] = true
		case s.Owner != "":
			j.detail(where.file(secretAt(s), s.Layer, s.Reach).words, "%s in a file that %s ships to everybody", s.What, s.Owner)
		case s.Path == snakeoil:
			j.detail(where.file(secretAt(s), s.Layer, s.Reach).words, "the throwaway key that Debian's ssl-cert makes; serve with another one")
		case s.Rule == "private-key" && systemLibrary.MatchString(s.Path):
			j.detail(where.file(secretAt(s), s.Layer, s.Reach).words, "%s that a library of the distribution tests itself with", s.What)
		default:
			faults = append(faults, s)
			if s.Reach == evidence.HistoryOnly {
				deleted = append(deleted, s)
			}
			at := where.file(secretAt(s), s.Layer, s.Reach)
			at.Path, at.Line = s.Path+inside(s), s.Line
			j.brokenAt(at, "%s", secretWords(s))
		}
	}
	for _, p := range c.Secrets.Allow {
		if !used[p] {
			j.note("podproof.yaml", "secrets.allow names %s, where nothing looks like a credential any more: remove it", p)
		}
	}
	unopened := j.unopened(where, *img, allowed)
	if len(faults) == 0 {
		j.readDetail(*img.Read)
		seen := fmt.Sprintf("none in the files of %s", count(len(img.Layers), "layer"))
		if unopened > 0 {
			seen += fmt.Sprintf(", but for %s that nobody looked into", count(unopened, "archive"))
		}
		return j.pass("No secrets in image files OK", seen)
	}
	seen := fmt.Sprintf("%s, readable by everybody who can pull the image: %s in %s", count(len(faults), "credential"), secretWords(faults[0]), faults[0].Path+inside(faults[0]))
	if len(deleted) == 0 {
		return j.fail(seen, "")
	}
	if len(deleted) < len(faults) {
		seen += fmt.Sprintf("; %d of them deleted or replaced later, and shipped all the same", len(deleted))
	} else {
		seen += "; deleted or replaced later, and shipped all the same"
	}
	return j.fail(seen, "A file that is deleted in a later step stays in the layer below: read it with RUN --mount=type=secret, or in a stage that "+
		"is not shipped. Then replace the credential itself, since every copy of the image holds it.")
}

// snakeoil is made when ssl-cert is installed, so that dpkg does not know it as the package's.
const snakeoil = "/etc/ssl/private/ssl-cert-snakeoil.key"

// systemLibrary is where distributions have their libraries: GnuTLS and others carry keys for
// the self-tests that FIPS 140 demands. The database that would own them (RPM's) is not read.
var systemLibrary = regexp.MustCompile(`^(?:/usr)?/lib(?:32|64)?/(?:[^/]+-linux-[^/]+/)?lib[^/]+\.(?:so|a)(?:\.[0-9.]+)?$`)

func secretWords(s evidence.FileSecret) string {
	if s.Masked == "" {
		return s.What
	}
	return fmt.Sprintf("%s (%s)", s.What, s.Masked)
}

// readDetail says how much was read, and what was not.
func (j *Judgement) readDetail(r evidence.ReadStats) {
	text := fmt.Sprintf("read %s with %s of %s", count(r.Layers, "layer"), count(r.Files, "file"), dataSize(r.Bytes))
	if r.LayersReused > 0 {
		text += fmt.Sprintf("; %s known from an earlier run", count(r.LayersReused, "layer"))
	}
	var skipped []string
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		skipped = append(skipped, fmt.Sprintf("%d (%s)", r.Skipped[reason], reason))
	}
	if len(skipped) > 0 {
		text += "; bodies that were not looked into: " + strings.Join(skipped, ", ")
	}
	j.detail("the image's layers", "%s", text)
}

// unopened tells of the archives that nobody looked into, and how many are no package's own: of
// those the verdict knows nothing.
func (j *Judgement) unopened(where places, img evidence.Image, allowed contract.Paths) int {
	n := 0
	for _, u := range img.Unopened {
		tell := j.note
		if pattern, _ := allowed.Match(u.Path); u.Owner != "" || pattern != "" {
			tell = j.detail
		} else {
			n += u.Count
		}
		switch at := where.file(u.Path, u.Layer, u.Reach).words; {
		case u.Count > 1:
			tell(at, "%s not looked into: %s", count(u.Count, "archive"), u.Why)
		default:
			tell(at, "an archive that was not looked into: %s", u.Why)
		}
	}
	return n
}

// secretAt is the path, the one in an archive, too, and the line where it is known.
func secretAt(s evidence.FileSecret) string {
	if s.Line == 0 {
		return s.Path + inside(s)
	}
	return fmt.Sprintf("%s%s:%d", s.Path, inside(s), s.Line)
}

// inside is the place in an archive as Java writes it: "!/application.yml".
func inside(s evidence.FileSecret) string {
	if s.Inside == "" {
		return ""
	}
	return "!" + s.Inside
}

package check

import (
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

var imagePlatform = Check{
	ID:    "image/platform",
	Title: "The image and its program are made for the platform of the nodes, and for Linux",
	Why: "A program of another machine does not start (exec format error), and no Linux node runs an image for Windows. It is built on a laptop " +
		"or copied from the wrong stage, and nobody sees it before the deploy.",
	Fix:   "Build for the platform of the nodes (docker build --platform linux/amd64), and let GOARCH, the base image and what is copied or downloaded follow TARGETARCH.",
	Story: Reliable,
	Needs: []evidence.Section{evidence.SectionImage},
	At:    []Spot{inDockerfile("FROM"), inContainer("image")},
	Judge: judgePlatform,
}

func judgePlatform(_ contract.Contract, e evidence.Evidence) Judgement {
	j, img := imageOf(e, "an image for Linux and for the nodes, whose program is made for the image's own architecture")
	if img == nil {
		return j
	}
	where := "the image's configuration"
	platform := img.OS + "/" + img.Architecture
	if img.OS == "" || img.Architecture == "" {
		return j.undecided("the image's configuration names no platform", "Build the image with a builder that does, or run podproof again with the image at hand.")
	}
	var faults []string
	if img.OS != "linux" {
		j.broken(where, "the image is for %s: no Linux node runs it", platform)
		faults = append(faults, "the image is for "+platform)
	}
	for _, f := range img.Entry {
		if f.Machine != "" && !canRun(img.Architecture, f.Machine) {
			j.brokenAt(placesOf(*img).final(f.Path, f.Layer), "it is a program for %s, and the image is for %s: it does not start (exec format error)", f.Machine, platform)
			faults = append(faults, fmt.Sprintf("%s is a program for %s in an image for %s", f.Word, f.Machine, platform))
		}
	}
	fix := ""
	for _, f := range img.Entry {
		if f.Returns && (shell.ShellOf(f.Interpreter) != "" || startsWith(*img, f.Word)) {
			j.brokenAt(placesOf(*img).final(f.Path, f.Layer), "its first line ends with a carriage return, as Windows writes lines: %q is looked for, and it does not start (no such file or directory)", f.Interpreter+"\r")
			faults = append(faults, f.Word+" has the line ends of Windows")
			fix = "Write its lines with LF alone: `*.sh text eol=lf` in .gitattributes, then `git add --renormalize .`; or RUN sed -i 's/\\r$//' " + f.Path + "."
		}
	}
	if wanted := e.Run.Platform; img.OS == "linux" && !runsOn(wanted, img.Architecture) {
		j.broken(where, "the image is for %s, and was looked at for %s: a node of that platform runs it by emulation, or not at all", platform, wanted)
		faults = append(faults, "the image is for "+platform+" alone, and not for "+wanted)
		fix = fmt.Sprintf("Build it for %s, too (docker buildx build --platform %s,%s). Where the nodes are %s, say so, and it is right: --platform %s.", wanted, wanted, platform, platform, platform)
	}
	switch {
	case len(faults) > 0:
		return j.fail(brief(list(faults), 200), fix)
	case !img.LayersRead && e.Missing[evidence.SectionImage] != "":
		return inconclusive(e, evidence.SectionImage, j.Promised)
	case !img.LayersRead:
		return j.undecided("only the image's configuration was read, not its layers", readLayers)
	}
	return j.pass("Platform OK ("+platform+")", "the image is for "+platform+", and so is what it starts, as far as that is known")
}

// startsWith tells whether a word is the first of the image's command.
func startsWith(img evidence.Image, word string) bool {
	command := slices.Concat(img.Config.Entrypoint, img.Config.Cmd)
	return len(command) > 0 && command[0] == word
}

// alsoRuns are machines whose programs another one runs, too.
var alsoRuns = map[string]string{"amd64": "386", "arm64": "arm", "mipsle": "mips", "mips64": "mips", "mips64le": "mips", "ppc64": "ppc64le"}

// runsOn tells whether a node of a platform, "" where nobody knows it, runs the programs of an architecture.
func runsOn(platform, architecture string) bool {
	_, machine, _ := strings.Cut(platform, "/")
	return platform == "" || canRun(machine, architecture)
}

// canRun tells whether a machine runs the programs of another one.
func canRun(architecture, machine string) bool {
	return architecture == machine || slices.Contains(strings.Fields(alsoRuns[architecture]), machine)
}

package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var configComplete = Check{
	ID:    "image/config-complete",
	Title: "The image's configuration says what the contract promises",
	Why: "EXPOSE, HEALTHCHECK and labels are what people and tools read who know nothing else of the image: a wrong port is " +
		"copied into manifests, and without a source label nobody finds what a running image was built from.",
	Fix:     "Let the Dockerfile's last stage say it: EXPOSE, HEALTHCHECK, LABEL, and a FROM that names a version.",
	Story:   Reliable,
	Opinion: "That there is no EXPOSE at all is advice but under the profile strict; HEALTHCHECK and labels are promised only where imageConfig asks for them.",
	Needs:   []evidence.Section{evidence.SectionImage},
	At:      []Spot{inDockerfile("CMD", "ENTRYPOINT"), inContainer("image")},
	Judge:   judgeConfigComplete,
}

// configField is one promise about the configuration. Seen says what is there; open, why that
// is not known; broken is set when it is not as promised.
type configField struct {
	promised, seen, open, where, fix string
	broken                           bool
	profile                          string // the first that asks for it
}

func judgeConfigComplete(c contract.Contract, e evidence.Evidence) Judgement {
	j, img := imageOf(e, "what the contract says of the image's configuration")
	if img == nil {
		return j
	}
	var fields []configField
	if c.HTTP.Port != 0 {
		fields = append(fields, exposed(c.HTTP.Port, *img))
	}
	if c.ImageConfig.Healthcheck {
		fields = append(fields, healthcheck(c.HTTP, *img))
	}
	for _, name := range c.ImageConfig.Labels {
		fields = append(fields, label(name, *img))
	}
	if c.ImageConfig.PinnedBase {
		fields = append(fields, pinnedBase(e))
	}
	if len(fields) == 0 {
		return j.pass("Image config OK (nothing promised)", "the contract promises nothing of it")
	}
	var promised, seen, fixes []string
	var open string
	for _, f := range fields {
		promised = append(promised, f.promised)
		switch {
		case f.broken:
			j.broken(f.where, "promised: %s; seen: %s", f.promised, f.seen)
			j.onlyFor(f.profile)
			fixes = append(fixes, f.fix)
			seen = append(seen, f.seen)
		case f.open != "":
			j.note(f.where, "%s: undecided, %s", f.promised, f.open)
			open = f.open
		default:
			seen = append(seen, f.seen)
		}
	}
	j.Promised = strings.Join(promised, ", ")
	switch {
	case len(fixes) > 0 && (open == "" || j.asks(c)):
		return j.fail(strings.Join(seen, ", "), strings.Join(fixes, " "))
	case open != "":
		return j.undecided(open, "Let podproof build the image, or label it with "+baseLabel+".")
	}
	return j.pass("Image config OK ("+strings.Join(promised, ", ")+")", strings.Join(seen, ", "))
}

func exposed(port int, img evidence.Image) configField {
	f := configField{promised: fmt.Sprintf("EXPOSE %d", port), where: instructionPlace(img, "EXPOSE"), broken: true,
		seen: "no EXPOSE", profile: contract.ProfileStrict, fix: fmt.Sprintf("Write EXPOSE %d into the Dockerfile's last stage.", port)}
	if len(img.Config.ExposedPorts) > 0 {
		f.profile = "" // it says what is not so
		f.seen = "EXPOSE " + strings.Join(img.Config.ExposedPorts, " ")
		f.fix = fmt.Sprintf("Let EXPOSE and the contract's http.port name the same port: EXPOSE %d.", port)
	}
	for _, p := range img.Config.ExposedPorts {
		number, protocol, _ := strings.Cut(p, "/")
		if number == strconv.Itoa(port) && (protocol == "" || protocol == "tcp") {
			f.broken = false
		}
	}
	return f
}

func healthcheck(http contract.HTTP, img evidence.Image) configField {
	f := configField{promised: strings.TrimSpace("HEALTHCHECK of " + http.Health), where: instructionPlace(img, "HEALTHCHECK"),
		fix: "Let HEALTHCHECK ask for " + http.Health + " on the program's own port."}
	if http.Health == "" {
		f.promised, f.fix = "HEALTHCHECK", "Write a HEALTHCHECK into the Dockerfile's last stage."
	}
	command := img.Config.Healthcheck
	if len(command) == 0 || command[0] == "NONE" {
		f.broken, f.seen = true, "no HEALTHCHECK"
		return f
	}
	u := contract.HealthcheckURL(command)
	if u == nil {
		f.seen = "a HEALTHCHECK of the program's own"
		return f
	}
	f.seen = "HEALTHCHECK of " + said(u.Host+u.RequestURI(), 80)
	f.broken = http.Health != "" && u.RequestURI() != http.Health || http.Port != 0 && u.Port() != "" && u.Port() != strconv.Itoa(http.Port)
	return f
}

func label(name string, img evidence.Image) configField {
	f := configField{promised: "label " + name, seen: "label " + name, where: instructionPlace(img, "LABEL"),
		fix: fmt.Sprintf("Write LABEL %s=… into the Dockerfile's last stage, or let the build set it.", name)}
	if strings.TrimSpace(img.Config.Labels[name]) == "" {
		f.broken, f.seen = true, "no label "+name
	}
	return f
}

// fromStep is BuildKit's step for an image; it writes the tag out, and adds the digest.
var fromStep = regexp.MustCompile(`^(?:\[[^\]]*\] )?FROM (\S+)`)

// pinnedBase looks at the images that the build took, or at the one that a label names.
func pinnedBase(e evidence.Evidence) configField {
	f := configField{promised: "no base image with the tag latest", where: "the build",
		fix: "Name a version, or a digest, in every FROM of the Dockerfile."}
	var bases []string
	if e.Build != nil && len(e.Build.Steps) > 0 {
		for _, s := range e.Build.Steps {
			if m := fromStep.FindStringSubmatch(s.Name); m != nil {
				bases = append(bases, m[1])
			}
		}
	} else if base := e.Image.Config.Labels[baseLabel]; base != "" {
		f.where = "label " + baseLabel
		bases = append(bases, base)
	} else {
		f.open = "the image does not name its base, and was not built in this run"
		return f
	}
	f.seen = "no base image"
	if len(bases) > 0 {
		f.seen = "FROM " + list(bases)
	}
	for _, b := range bases {
		if floats(b) {
			f.broken, f.seen = true, "FROM "+b
			break
		}
	}
	return f
}

// floats tells whether a reference means another image tomorrow: the tag latest, or none.
func floats(ref string) bool {
	name, _, digested := strings.Cut(ref, "@")
	_, tag, tagged := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	return tag == "latest" || !tagged && !digested && name != "scratch"
}

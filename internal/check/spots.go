package check

import (
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// A Spot is where in the user's files a promise is kept or broken: nil where that is not known.
type Spot func(contract.Contract, evidence.Evidence) *Location

// inProgram is the About of a location that stands for the program: nothing there is wrong.
const inProgram = "the container: what is to be changed is its program"

// locate says where a promise that does not hold is to be mended: where its findings say so, or else at the
// check's own spots. A finding that has no place of its own gets that one.
func locate(v *Verdict, c contract.Contract, e evidence.Evidence) {
	if v.Status != Fail && v.Status != Inconclusive && v.Status != Waived {
		return
	}
	v.Location = v.mendedAt(c, e)
	if v.Status == Inconclusive && v.Location != nil {
		v.Location.About = "" // nobody knows yet
	}
	for i := range v.Findings {
		if f := &v.Findings[i]; !f.Note && f.Location == nil {
			f.Location = firstOf(c, e, v.Check.At...)
		}
	}
}

// mendedAt is the file of a finding, the instruction of the Dockerfile that made its layer, or the check's spot;
// of manifests that are in no file it is the finding's field.
func (v Verdict) mendedAt(c contract.Contract, e evidence.Evidence) *Location {
	told := v.toldFirst()
	for _, f := range told {
		if f.Location.File != "" {
			l := *f.Location
			return &l
		}
	}
	for _, f := range told {
		if f.Location.Layer == 0 {
			continue
		}
		if l := layerLine(c, e, f.Location.Layer); l != nil {
			return l
		}
		break
	}
	spot := firstOf(c, e, v.Check.At...)
	if spot != nil && spot.File != "" {
		return spot
	}
	for _, f := range told {
		if f.Location.Object != "" {
			l := *f.Location
			return &l
		}
	}
	return spot
}

// toldFirst are the findings with a place: first those that what was seen tells with it, then those that it tells
// at all. One that is accepted counts only where all are.
func (v Verdict) toldFirst() []Finding {
	var out []Finding
	for _, f := range v.Findings {
		if !f.Note && f.Location != nil && (f.Waiver == nil || v.Status == Waived) {
			out = append(out, f)
		}
	}
	rank := func(f Finding) int {
		switch {
		case strings.Contains(v.Seen, f.Where+": "+f.Message):
			return 0
		case strings.Contains(v.Seen, f.Message):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return rank(a) - rank(b) })
	return out
}

// firstOf is the first spot in a file, or else in an object.
func firstOf(c contract.Contract, e evidence.Evidence, spots ...Spot) *Location {
	var object *Location
	for _, spot := range spots {
		l := spot(c, e)
		if l != nil && l.File != "" {
			return l
		}
		if object == nil {
			object = l
		}
	}
	return object
}

// inContainer is a field of the container under test, or where it would stand.
func inContainer(field string) Spot {
	return func(_ contract.Contract, e evidence.Evidence) *Location {
		if e.Workload == nil || e.Workload.Container == "" {
			return nil
		}
		return inTemplate(*e.Workload, strings.TrimSuffix("containers["+e.Workload.Container+"]."+field, "."))
	}
}

// inPod is a field of the workload's pods.
func inPod(field string) Spot {
	return func(_ contract.Contract, e evidence.Evidence) *Location {
		if e.Workload == nil {
			return nil
		}
		return inTemplate(*e.Workload, field)
	}
}

func inTemplate(w evidence.Workload, field string) *Location {
	l := podPlace(w, "", field).Location
	return &l
}

// theProgram is the container under test, for what only its program can mend.
func theProgram(c contract.Contract, e evidence.Evidence) *Location {
	l := inContainer("")(c, e)
	if l != nil {
		l.About = inProgram
	}
	return l
}

// programPlace is theProgram, for a finding.
func programPlace(e evidence.Evidence, words string) place {
	p := fieldPlace(e, words, "")
	if p.Location != (Location{}) {
		p.About = inProgram
	}
	return p
}

// theCommand is where the container's command stands: in its manifest, or in the Dockerfile.
func theCommand(c contract.Contract, e evidence.Evidence) *Location {
	if e.Workload != nil {
		if k := containerOf(*e.Workload); k != nil && len(k.Command) > 0 {
			return inContainer("command")(c, e)
		} else if k != nil && len(k.Args) > 0 {
			return inContainer("args")(c, e)
		}
	}
	return inDockerfile("ENTRYPOINT", "CMD")(c, e)
}

// theUser is where it stands that the container runs as root: in its manifest, in the Dockerfile, or, where these
// name another user, in the command that becomes root.
func theUser(c contract.Contract, e evidence.Evidence) *Location {
	if e.Workload == nil {
		return nil
	}
	pod, own := securityContexts(*e.Workload)
	switch user := over(own.RunAsUser, pod.RunAsUser); {
	case user == nil:
		return inDockerfile("USER")(c, e)
	case *user != 0:
		return theCommand(c, e)
	case own.RunAsUser != nil:
		return inContainer("securityContext.runAsUser")(c, e)
	}
	return inPod("securityContext.runAsUser")(c, e)
}

// inDockerfile is the last instruction of one of these keywords that the image is made by, or else the
// FROM of its last stage.
func inDockerfile(keywords ...string) Spot {
	return func(c contract.Contract, e evidence.Evidence) *Location {
		if c.Build == nil || e.Build == nil {
			return nil
		}
		l := Location{File: c.Build.Dockerfile, Line: 1}
		own := shipped(*e.Build, c.Build.Target)
		if len(own) > 0 {
			l.Line = own[0].Line
		}
		for _, k := range keywords {
			for i := len(own) - 1; i >= 0; i-- {
				if keywordOf(own[i]) == k {
					l.Line = own[i].Line
					return &l
				}
			}
		}
		return &l
	}
}

func keywordOf(in evidence.Instruction) string { return shell.ParseHistory(in.Text).Keyword }

// shipped are the instructions of the stage that becomes the image.
func shipped(b evidence.Build, target string) []evidence.Instruction {
	stage := strings.ToLower(target)
	if stage == "" && len(b.Instructions) > 0 {
		stage = b.Instructions[len(b.Instructions)-1].Stage
	}
	var out []evidence.Instruction
	for _, in := range b.Instructions {
		if in.Stage == stage && stage != "" {
			out = append(out, in)
		}
	}
	return out
}

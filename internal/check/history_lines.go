package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// historyLine is the instruction of the Dockerfile that wrote a line of the image's history, from 0, and FROM for
// one of the base image. It is nil where the two do not match.
func historyLine(c contract.Contract, e evidence.Evidence, line int) *Location {
	if c.Build == nil || e.Build == nil || e.Image == nil || e.Build.Error != "" || line < 0 {
		return nil
	}
	own, _ := ownInstructions(*e.Build, c.Build.Target)
	if last := shipped(*e.Build, c.Build.Target); len(own) == 0 && len(last) > 0 { // an argument names the base
		own = last[1:]
	}
	cut, known := writtenBy(own, e.Image.History)
	switch {
	case !known:
		return nil
	case line < cut:
		return inDockerfile("FROM")(c, e)
	}
	return &Location{File: c.Build.Dockerfile, Line: own[line-cut].Line}
}

// layerLine is the instruction that made a layer, from 1.
func layerLine(c contract.Contract, e evidence.Evidence, layer int) *Location {
	if e.Image == nil {
		return nil
	}
	for i, h := range e.Image.History {
		if !h.EmptyLayer && h.Layer == layer-1 {
			return historyLine(c, e, i)
		}
	}
	return nil
}

// theStage stands for an instruction that is not known.
func theStage(c contract.Contract, e evidence.Evidence) *Location {
	l := inDockerfile("FROM")(c, e)
	if l != nil {
		l.About = "the stage: which of its lines it is, is not known"
	}
	return l
}

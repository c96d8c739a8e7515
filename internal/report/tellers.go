package report

import "time"

// Of is a Progress that says of which of several contracts it tells.
func (p *Progress) Of(name string) *ProgressOf { return &ProgressOf{p, name + ": "} }

// ProgressOf tells what the run of one of several contracts is at.
type ProgressOf struct {
	p      *Progress
	prefix string
}

// StepTo is that of Progress.
func (o *ProgressOf) StepTo(name, ended string) (done func(error)) {
	return o.StepWithin(name, ended, 0, 0)
}

// StepWithin is that of Progress.
func (o *ProgressOf) StepWithin(name, ended string, usual, most time.Duration) (done func(error)) {
	return o.p.StepWithin(o.prefix+name, o.prefix+ended, usual, most)
}

// Begin is that of Progress.
func (o *ProgressOf) Begin(text string) { o.p.Begin(o.prefix + text) }

// Waiting is that of Progress.
func (o *ProgressOf) Waiting(what string) {
	if what != "" {
		what += " (" + o.prefix[:len(o.prefix)-2] + ")"
	}
	o.p.Waiting(what)
}

// Note is that of Progress.
func (o *ProgressOf) Note(text string) { o.p.Note(o.prefix + text) }

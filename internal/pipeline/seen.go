package pipeline

import (
	"context"

	"podproof.dev/podproof/internal/evidence"
)

// set writes into the evidence, which steps that run side by side share.
func (r *run) set(write func(*evidence.Evidence)) {
	r.saw.mu.Lock()
	defer r.saw.mu.Unlock()
	if !r.saw.sealed {
		write(&r.saw.e)
	}
}

// seen writes what a step has seen, unless the step was cut off: half of a trial would be
// judged as all of it.
func (r *run) seen(ctx context.Context, write func(*evidence.Evidence)) {
	if ctx.Err() == nil {
		r.set(write)
	}
}

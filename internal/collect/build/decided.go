package build

import (
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// decided tells whether a build may be ended because only its duration is open: every RUN
// step that matters came from the cache or started to run, and one is running.
//
// Nothing less would do. A step that waits for a running one may still come from the
// cache, when what it copies from there turns out the same; and one that waits for
// nothing is looked up no sooner than a later step needs it. Before the first step has
// started the graph may not be known; after that it is, as BuildKit announces all of it
// first. With nothing running the build is about to end by itself.
func (s Spec) decided(steps []evidence.BuildStep) bool {
	running := false
	for _, step := range steps {
		if !isRun(step) {
			continue
		}
		if !step.Started && (s.Matters == nil || s.Matters(step)) {
			return false
		}
		running = running || step.Started && !step.Completed
	}
	return running
}

func isRun(s evidence.BuildStep) bool {
	return strings.HasPrefix(strings.TrimPrefix(s.Instruction, "ONBUILD "), "RUN ")
}

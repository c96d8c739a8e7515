package build

import (
	"slices"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// decided tells whether a build may be ended because only its duration is open: every RUN
// step that matters came from the cache, started to run, or has to run as one before it in
// its stage does; and one is running.
//
// Nothing less would do. A step that waits for a running one of another stage may still come
// from the cache, when what it copies from there turns out the same; and one that waits for
// nothing is looked up no sooner than a later step needs it. Before the first step has
// started the graph may not be known; after that it is, as BuildKit announces all of it
// first. With nothing running the build is about to end by itself.
func (s Spec) decided(steps []evidence.BuildStep) bool {
	running := false
	for _, step := range steps {
		if !isRun(step) {
			continue
		}
		if !step.Started && (s.Matters == nil || s.Matters(step)) && !mustRun(step, steps) {
			return false
		}
		// A step from the cache starts, too, and is told to be over in a later update.
		running = running || step.Started && !step.Completed && !step.Cached
	}
	return running
}

// mustRun tells whether a RUN step before this one in its stage runs: of the file system
// that a stage hands on BuildKit compares how it was made, and not what is in it.
func mustRun(step evidence.BuildStep, steps []evidence.BuildStep) bool {
	byDigest := map[string]evidence.BuildStep{}
	for _, s := range steps {
		byDigest[s.Digest] = s
	}
	queue, seen := slices.Clone(step.Inputs), map[string]bool{}
	for len(queue) > 0 {
		s, ok := byDigest[queue[0]]
		queue = queue[1:]
		if !ok || seen[s.Digest] || s.Stage != step.Stage {
			continue
		}
		seen[s.Digest] = true
		if isRun(s) && s.Started && !s.Cached {
			return true
		}
		queue = append(queue, s.Inputs...)
	}
	return false
}

func isRun(s evidence.BuildStep) bool {
	return strings.HasPrefix(strings.TrimPrefix(s.Instruction, "ONBUILD "), "RUN ")
}

package build

import (
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// decided tells whether a build may be ended because only its duration is open: every RUN
// step came from the cache or started to run, and one is running. Dependencies are
// installed by RUN steps, and what waits behind a running one (COPY --from) is none.
//
// Nothing less would do. A step that waits for a running one may still come from the
// cache, when what it copies from there turns out the same. Before the first step has
// started the graph may not be known; after that it is, as BuildKit announces all of it
// first. With nothing running the build is about to end by itself.
func decided(steps []evidence.BuildStep) bool {
	running := false
	for _, s := range steps {
		if !isRun(s) {
			continue
		}
		if !s.Started {
			return false
		}
		running = running || !s.Completed
	}
	return running
}

func isRun(s evidence.BuildStep) bool {
	return strings.HasPrefix(strings.TrimPrefix(s.Instruction, "ONBUILD "), "RUN ")
}

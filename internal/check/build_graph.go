package check

import (
	"slices"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// before lists the steps that a step rests on, in the order of the build: by the graph
// where it is known, else those of its stage.
func before(d evidence.BuildStep, steps []evidence.BuildStep) []evidence.BuildStep {
	needed := map[string]bool{}
	byDigest := map[string]evidence.BuildStep{}
	for _, s := range steps {
		byDigest[s.Digest] = s
	}
	queue := slices.Clone(d.Inputs)
	for len(queue) > 0 {
		digest := queue[0]
		queue = queue[1:]
		if digest != "" && !needed[digest] {
			needed[digest] = true
			queue = append(queue, byDigest[digest].Inputs...)
		}
	}
	var out []evidence.BuildStep
	for _, s := range steps {
		if s.Name == d.Name && s.Digest == d.Digest {
			if len(needed) == 0 {
				break
			}
			continue
		}
		if needed[s.Digest] || (len(needed) == 0 && s.Stage == d.Stage) {
			out = append(out, s)
		}
	}
	return out
}

// withUnseen adds the steps of the first build that the second did not mention, as steps
// of which nothing is known.
func withUnseen(second, first []evidence.BuildStep) []evidence.BuildStep {
	out := slices.Clone(second)
	for _, s := range first {
		if _, ok := named(second, s.Name); !ok {
			s.Cached, s.Started, s.Completed, s.Seconds = false, false, false, 0
			out = append(out, s)
		}
	}
	return out
}

// named finds a step by the name that BuildKit prints, which is the same in each build.
func named(steps []evidence.BuildStep, name string) (evidence.BuildStep, bool) {
	i := slices.IndexFunc(steps, func(s evidence.BuildStep) bool { return s.Name == name })
	if i < 0 {
		return evidence.BuildStep{}, false
	}
	return steps[i], true
}

func rerun(s evidence.BuildStep) bool { return s.Started && !s.Cached }

func copies(s evidence.BuildStep) bool {
	k := shell.ParseHistory(instructionOf(s)).Keyword
	return k == "COPY" || k == "ADD"
}

// instructed tells whether a step is one of the Dockerfile's that make layers, and not
// BuildKit's own ("[internal] load build context", "exporting to image").
func instructed(s evidence.BuildStep) bool {
	if _, ok := runCommand(s); ok {
		return true
	}
	return copies(s)
}

func undecidedStep(s evidence.BuildStep) bool { return instructed(s) && !s.Started && !s.Cached }

func ranAgain(steps []evidence.BuildStep) []evidence.BuildStep {
	return slices.DeleteFunc(slices.Clone(steps), func(s evidence.BuildStep) bool { return !instructed(s) || !rerun(s) })
}

// mustRun tells whether a step that was not reached would have run: one before it in its
// stage did, and of the file system that a stage hands on BuildKit compares how it was made.
func mustRun(s evidence.BuildStep, steps []evidence.BuildStep) bool {
	return !s.Started && slices.ContainsFunc(before(s, steps), func(b evidence.BuildStep) bool {
		_, runs := runCommand(b)
		return runs && b.Stage == s.Stage && rerun(b)
	})
}

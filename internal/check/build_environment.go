package check

import (
	"strings"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/shell"
)

// environment is what the Dockerfile's ENV and ARG set before a step, in its stage and in
// those that this one is built on. What the base image sets is not known.
func environment(all []evidence.Instruction, s evidence.BuildStep) map[string]string {
	stage := s.Stage
	if stage == "" && len(all) > 0 { // the only one
		stage = all[len(all)-1].Stage
	}
	return stageEnvironment(all, stage, s.Line, 0)
}

func stageEnvironment(all []evidence.Instruction, stage string, line, depth int) map[string]string {
	out := map[string]string{}
	for _, in := range all {
		if in.Stage != stage || line > 0 && in.Line >= line || depth > len(all) {
			continue
		}
		parsed := shell.ParseHistory(in.Text)
		switch parsed.Keyword {
		case "FROM":
			for _, w := range strings.Fields(parsed.Body.Of(in.Text)) {
				if strings.HasPrefix(w, "--") {
					continue
				}
				// an image of no stage sets nothing that is known
				if base := strings.ToLower(w); base != stage {
					out = stageEnvironment(all, base, 0, depth+1)
				}
				break
			}
		case "ENV", "ARG":
			for _, p := range shell.Pairs(in.Text, parsed.Body) {
				out[p.Name.Of(in.Text)] = p.Value.Of(in.Text)
			}
		}
	}
	return out
}

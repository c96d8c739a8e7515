package check

import (
	"fmt"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

var buildSucceeds = Check{
	ID:    "build/succeeds",
	Title: "The image builds",
	Why:   "An image that does not build from the sources as they are cannot be fixed in production either.",
	Fix:   "Fix the failed step; `docker build` with the same context and Dockerfile shows it again.",
	Story: Reproducible,
	Needs: []evidence.Section{evidence.SectionBuild},
	At:    []Spot{inDockerfile("FROM")},
	Judge: judgeBuildSucceeds,
}

func judgeBuildSucceeds(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "the image builds"}
	if c.Build != nil {
		j.Promised = fmt.Sprintf("%s builds from %s with the context %s", c.Image, c.Build.Dockerfile, c.Build.Context)
	}
	b := e.Build
	if b == nil && c.Build == nil {
		return j.skip(notBuilt).until(buildLine)
	}
	if b == nil {
		return inconclusive(e, evidence.SectionBuild, j.Promised)
	}
	j.Seconds = b.Seconds
	if b.MissingPath != "" {
		return j.fail(b.MissingPath+" is not there",
			fmt.Sprintf("Put %s back, or let the contract's build.context and build.dockerfile name what is there.", b.MissingPath))
	}
	if b.Error == "" && b.ImageID == "" && len(b.Steps) == 0 {
		return j.undecided("neither a step of the build nor its image was seen", incomplete)
	}
	if b.Error == "" {
		return j.pass("Build OK", fmt.Sprintf("%s, %d from the cache, in %s", count(len(b.Steps), "step"), cachedSteps(b.Steps), seconds(b.Seconds)))
	}
	failed := "the build"
	for _, s := range b.Steps {
		if s.Error != "" {
			failed = "step " + said(s.Name, 160)
			break
		}
	}
	failure := failed + " failed: " + b.Error
	if strings.HasPrefix(b.Error, "step ") { // BuildKit's own words name it
		failure = b.Error
	}
	j.broken(b.Dockerfile, "%s", said(failure, 500))
	if len(b.Source) > 1 {
		// As `docker build` shows it: the first line has the file and the line, then come dashes.
		j.note(said(b.Source[0], 160), "%s", snippet(b.Source))
	}
	const most = 15
	for _, line := range b.Log[max(0, len(b.Log)-most):] {
		if strings.TrimSpace(line) != "" {
			j.note("build output", "%s", said(line, 300))
		}
	}
	return j.fail(said(failure, 400), buildFix(b.Error, failed))
}

func snippet(source []string) string {
	var out []string
	for _, l := range source[1:] {
		if strings.Trim(l, "-") != "" {
			out = append(out, redact.Text(l))
		}
	}
	return "\n" + strings.Join(out, "\n")
}

func cachedSteps(steps []evidence.BuildStep) int {
	n := 0
	for _, s := range steps {
		if s.Cached {
			n++
		}
	}
	return n
}

// buildFix knows the errors whose remedy is not in the failed step itself.
func buildFix(err, failed string) string {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if strings.Contains(err, p) {
				return true
			}
		}
		return false
	}
	switch {
	case strings.Contains(failed, "resolve image config for"):
		return "The frontend that the Dockerfile's first line names (# syntax=) could not be pulled: check its name and the registry, or remove the line, which the engine's own frontend rarely needs."
	case has("failed to resolve source metadata", "pull access denied", "failed to do request", "failed to authorize"):
		return "A base image could not be pulled: check its name and the registry; where no registry is reachable, give the Dockerfile a local base image by a build argument."
	case has("dockerfile parse error", "unknown instruction"):
		return "Fix the Dockerfile's syntax at the line that is named."
	case has("unknown flag", "requires BuildKit", "dockerfile.v0"):
		return "The builder does not know a flag or form of this Dockerfile: keep to what the engine's own BuildKit understands, or use a newer engine."
	case has("failed to compute cache key", "failed to calculate checksum", "not found"):
		return "A COPY names what the build context lacks: check the path, and whether .dockerignore leaves it out."
	case has("no space left on device"):
		return "The engine's disk is full: docker system df shows by what."
	}
	return ""
}

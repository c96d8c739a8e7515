package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var buildReproducible = Check{
	ID:    "build/reproducible",
	Title: "Two builds of the same sources make the same layers",
	Why: "When two builds of one commit differ, nobody can show that an image was built from the sources that were reviewed, " +
		"and every rebuild is pulled anew by every node although nothing changed.",
	Fix:   "Let what writes the time, a random name or an order of its own into a file honour SOURCE_DATE_EPOCH, or leave that out.",
	Story: Reproducible,
	Needs: []evidence.Section{evidence.SectionReproduction},
	At:    []Spot{inDockerfile("RUN")},
	Judge: judgeBuildReproducible,
	OptIn: "build.reproducible",
}

func judgeBuildReproducible(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "two builds without a cache, with the same SOURCE_DATE_EPOCH, make layers with the same diffIDs"}
	if c.Build == nil {
		return j.skip(notBuilt).until(buildLine)
	}
	if !c.Build.Reproducible {
		return j.skip("the contract does not ask for it with build.reproducible: it takes two more builds without the cache").until("build: {reproducible: true, …} in the contract")
	}
	r := e.Reproduction
	if r == nil {
		return inconclusive(e, evidence.SectionReproduction, j.Promised)
	}
	j.Seconds = r.Seconds
	if r.Error != "" {
		for _, l := range r.Log[max(0, len(r.Log)-15):] {
			if strings.TrimSpace(l) != "" {
				j.note("build output", "%s", said(l, 300))
			}
		}
		return j.undecided("a build without the cache failed: "+said(r.Error, 300), "Fix the build: it works only as long as its cache is there.")
	}
	if r.LayerCounts == [2]int{} {
		return j.undecided("no layer was seen of either build", incomplete)
	}
	if r.LayerCounts[0] != r.LayerCounts[1] {
		j.broken(c.Build.Dockerfile, "the builds made %d and %d layers", r.LayerCounts[0], r.LayerCounts[1])
	}
	kinds := map[string]bool{}
	for _, l := range r.Layers {
		where := fmt.Sprintf("layer %d, %s", l.Index+1, said(l.CreatedBy, 120))
		if l.Reordered {
			j.broken(where, "the same files in another order")
			kinds["order"] = true
		}
		for i, f := range l.Files {
			if i == shownFiles {
				break
			}
			j.broken(where, "/%s: %s", said(f.Path, 160), differenceWords(f))
		}
		for _, f := range l.Files {
			for _, w := range f.What {
				kinds[w] = true
			}
		}
		if more := l.Count - min(len(l.Files), shownFiles); more > 0 {
			j.broken(where, "and %d more files", more)
		}
		if l.Count == 0 && !l.Reordered {
			j.broken(where, "the archive itself differs, and none of its files: their headers are written in another form")
		}
	}
	if j.firstBroken() == nil {
		return j.pass("Reproducible build OK", fmt.Sprintf("%s with the same diffIDs in both builds", count(r.LayerCounts[0], "layer")))
	}
	return j.fail(fmt.Sprintf("%d of %s differ; the first: %s: %s", len(r.Layers), count(r.LayerCounts[0], "layer"), j.firstBroken().Where, j.firstBroken().Message), reproducibleFix(kinds))
}

// shownFiles are told of each layer; the evidence has more.
const shownFiles = 10

func differenceWords(f evidence.FileDifference) string {
	switch {
	case slices.Equal(f.What, []string{"first"}):
		return "only the first build has it"
	case slices.Equal(f.What, []string{"second"}):
		return "only the second build has it"
	}
	text := "differs in " + list(f.What)
	if len(f.Times) == 2 {
		text += fmt.Sprintf(" (%s and %s)", stamp(f.Times[0]), stamp(f.Times[1]))
	}
	return text
}

func stamp(unix int64) string { return time.Unix(unix, 0).UTC().Format(time.DateTime) }

func reproducibleFix(kinds map[string]bool) string {
	if len(kinds) == 1 && kinds["mtime"] {
		return "Only times differ: build with rewrite-timestamp=true (BuildKit 0.13 or later: docker buildx build --output type=image,rewrite-timestamp=true), " +
			"or let the step that writes the files end with: find DIR -newermt @$SOURCE_DATE_EPOCH -exec touch -hd @$SOURCE_DATE_EPOCH {} +"
	}
	if kinds["order"] && len(kinds) == 1 {
		return "Only the order of the files differs: sort what the step writes."
	}
	return ""
}

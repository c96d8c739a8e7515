package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

func reproduced(layers ...evidence.LayerPair) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Reproduction.Layers = layers })
}

func differing(createdBy string, files ...evidence.FileDifference) evidence.LayerPair {
	return evidence.LayerPair{Index: 1, CreatedBy: createdBy, DiffIDs: [2]string{"sha256:a", "sha256:b"}, Files: files, Count: len(files)}
}

var reproducibleExamples = []example{
	{name: "the same", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"2 layers with the same diffIDs"}},
	{name: "a time in a file", c: goodContract(), want: Fail, says: []string{"layer 2, RUN date > /stamp", "/stamp: differs in content"}, hides: []string{"Only times differ"},
		e: reproduced(differing("RUN date > /stamp", evidence.FileDifference{Path: "stamp", What: []string{"content", "mtime"}, Times: []int64{1, 2}}))},
	{name: "times of files", c: goodContract(), want: Fail, says: []string{"/app: differs in mtime (2001-09-09 01:46:40 and 2001-09-09 01:46:41)", "Only times differ", "rewrite-timestamp=true"},
		e: reproduced(differing("WORKDIR /app", evidence.FileDifference{Path: "app", What: []string{"mtime"}, Times: []int64{1e9, 1e9 + 1}}))},
	{name: "order", c: goodContract(), want: Fail, says: []string{"in another order", "sort what the step writes"}, e: reproduced(evidence.LayerPair{CreatedBy: "RUN tar x", Reordered: true})},
	{name: "a file of one build", c: goodContract(), want: Fail, says: []string{"/tmp/x1: only the first build has it", "/tmp/x2: only the second build has it"},
		e: reproduced(differing("RUN mktemp", evidence.FileDifference{Path: "tmp/x1", What: []string{"first"}}, evidence.FileDifference{Path: "tmp/x2", What: []string{"second"}}))},
	{name: "many files", c: goodContract(), want: Fail, says: []string{"and 99 more files"}, e: reproduced(evidence.LayerPair{Count: 100, Files: []evidence.FileDifference{{Path: "a", What: []string{"mode"}}}})},
	{name: "nothing but the archive", c: goodContract(), want: Fail, says: []string{"the archive itself differs"}, e: reproduced(differing("COPY a /"))},
	{name: "another number of layers", c: goodContract(), want: Fail, says: []string{"2 and 3 layers"}, e: with(func(e *evidence.Evidence) { e.Reproduction.LayerCounts[1] = 3 })},
	{name: "a secret in an instruction", c: goodContract(), want: Fail, e: reproduced(differing("RUN mysql --password="+planted, evidence.FileDifference{Path: "a", What: []string{"size"}}))},
	{name: "the build fails without its cache", c: goodContract(), want: Inconclusive, says: []string{"exit code: 1", "no such host"}, e: with(func(e *evidence.Evidence) {
		e.Reproduction = &evidence.Reproduction{Error: "exit code: 1", Log: []string{"", "no such host"}}
	})},
	{name: "not promised", c: contractWith(func(c *contract.Contract) { c.Build.Reproducible = false }), e: goodEvidence(), want: Skipped, says: []string{"build.reproducible"}},
	{name: "no build", c: contract.Contract{}, e: evidence.Evidence{}, want: Skipped},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionReproduction, func(e *evidence.Evidence) { e.Reproduction = nil }), want: Inconclusive},
}

package main

import (
	"path/filepath"
	"slices"
	"strings"
)

// clusterToo titles others' CPU where a cluster is among the others: its processes are the engine's.
const clusterToo = "CPU of the cluster and of others"

// undecided is podproof's exit code for a promise that could not be tried. Such a run counts, and is told. An image
// that breaks a promise would be none to measure: these keep theirs.
const undecided = 3

// verify is a run of podproof's, which no earlier one answers.
func (b bench) verify(name string, contracts []string, flags ...string) task {
	args := []string{b.podproof, "verify", "--fresh"}
	warm := slices.Contains(flags, "warm")
	if !warm {
		args = append(args, "--cluster", "kind")
	}
	args = append(args, flags...)
	for _, c := range contracts {
		args = append(args, "-f", c)
	}
	return task{
		name:    name,
		command: b.program(append(args, "--evidence", filepath.Join(b.dir, "record-{}.json"))...),
		record:  filepath.Join(b.dir, "record-*.json"),
		also:    []int{undecided},
		remark: func(end finish) (remarks []string) {
			if end.code == undecided {
				remarks = append(remarks, "inconclusive")
			}
			if warm && !strings.Contains(end.said, "Resumed the warm cluster") {
				remarks = append(remarks, "cluster made anew")
			}
			return remarks
		},
	}
}

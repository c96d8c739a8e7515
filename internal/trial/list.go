package trial

import (
	"slices"

	"podproof.dev/podproof/internal/evidence"
)

// List are all trials. Each has pods of its own or, like an outage, a namespace, so they are made
// side by side; but for a rollout, which replaces the workload's own pods.
var List = []Trial{
	Health,
	Identity,
	Termination,
	RequiredEnv,
	EarlyTermination,
	MalformedEnv,
	ReadOnlyRoot,
	ArbitraryUID,
	Responses,
	Resources,
	InFlight,
	Rollouts,
	Outages,
	Frozen,
	Slow,
	Final,
}

// Sections are those of all trials that have a need.
func Sections(n Need) []evidence.Section {
	var out []evidence.Section
	for _, t := range List {
		if !t.Needs.Has(n) {
			continue
		}
		for _, s := range t.Sections {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

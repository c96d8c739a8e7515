package trial

import (
	"context"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// slowFor is how long a dependency is slow that no probe need notice: so many requests tell what it
// does to them.
const slowFor = 5 * time.Second

// Slow has each dependency be there, and slow: each round trip to it takes long, as to a database in
// another region, or behind a network that is overloaded.
var Slow = Trial{
	ID:       "slow",
	Sections: []evidence.Section{evidence.SectionSlow},
	Doing:    "Slowing DEPENDENCY down", Done: "DEPENDENCY slowed down and fast again",
	Needs:   NeedReady | NeedAgent,
	usually: usually{own: 50 * time.Second, starts: 1},
	Rights:  outageRights("slow"),
	Asked:   dependent, Watches: true, TakesAway: true,
	Within: func(l Limits) time.Duration { return Look + 3*l.outage() + l.Jobs },
	Parts:  true,
	Run: func(ctx context.Context, b *TestBed) (Seen, error) {
		return b.takeAway(ctx, OutageSpec{Kinds: slowOutages, fills: []evidence.Section{evidence.SectionSlow}}, func(e *evidence.Taken, r OutageResult) {
			if r.Outages != nil {
				e.Slow = r.Outages
			}
		})
	},
}

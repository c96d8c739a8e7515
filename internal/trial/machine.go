package trial

import (
	"slices"
	"sync"

	"podproof.dev/podproof/internal/evidence"
)

// machine puts together what the nodes say that share it. The first one's figures are the machine's own;
// of the others it takes what they have used between the same two moments.
type machine struct {
	mu    sync.Mutex
	nodes [][]reading // not yet used up, the oldest first
}

func newMachine(nodes int) *machine { return &machine{nodes: make([][]reading, nodes)} }

// add takes a node's next reading, and returns what is known with it.
func (m *machine) add(node int, r reading) (out []evidence.Pressure) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nodes[node] = append(m.nodes[node], r)
	for len(m.nodes[0]) > 1 {
		from, to := m.nodes[0][0], m.nodes[0][1]
		used, known := to.used-from.used, true
		for i := 1; i < len(m.nodes); i++ {
			n, early, late := between(m.nodes[i], from, to)
			if late {
				return out // it says more soon
			}
			used += n
			known = known && !early
		}
		if known {
			out = append(out, to.since(from, used))
		}
		m.nodes[0] = m.nodes[0][1:]
		for i := 1; i < len(m.nodes); i++ { // all but the last one before that moment
			for len(m.nodes[i]) > 1 && !m.nodes[i][1].at.After(to.at) {
				m.nodes[i] = m.nodes[i][1:]
			}
		}
	}
	return out
}

// between is what a node has used between two readings of another one's. Early tells that it has said
// nothing before the first, and late that it has said nothing yet after the second.
func between(rs []reading, from, to reading) (used int64, early, late bool) {
	if len(rs) == 0 || rs[len(rs)-1].at.Before(to.at) {
		return 0, false, true
	}
	if rs[0].at.After(from.at) {
		return 0, true, false
	}
	return usedAt(rs, to) - usedAt(rs, from), false, false
}

// usedAt is what a node had used at the moment of another one's reading, as if it had used it evenly
// between two readings of its own.
func usedAt(rs []reading, other reading) int64 {
	i := slices.IndexFunc(rs, func(r reading) bool { return !r.at.Before(other.at) })
	after := rs[i]
	if i == 0 || !after.at.After(other.at) {
		return after.used
	}
	before := rs[i-1]
	part := float64(other.at.Sub(before.at)) / float64(after.at.Sub(before.at))
	return before.used + int64(part*float64(after.used-before.used))
}

// since is what happened between two readings, in which the nodes have used so much (microseconds).
func (r reading) since(before reading, used int64) evidence.Pressure {
	p := evidence.Pressure{At: r.at}
	if took := r.at.Sub(before.at).Microseconds(); took > 0 {
		p.Waiting = min(1, float64(r.waited-before.waited)/float64(took))
	}
	busy, stolen := float64(r.busy-before.busy), float64(r.stolen-before.stolen)
	if all := busy + stolen + float64(r.idle-before.idle); all > 0 {
		const tick = 10_000 // microseconds: USER_HZ is 100 for every program (time(7))
		p.Others = min(1, max(0, (busy+stolen-float64(used)/tick)/all))
	}
	return p
}

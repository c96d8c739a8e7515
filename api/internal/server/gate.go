package server

import "sync/atomic"

// Gate says whether the pod should get traffic. It opens once and closes for good.
// Its zero value is not open yet.
type Gate struct{ phase atomic.Int32 }

const (
	starting int32 = iota
	serving
	draining
)

// Open lets traffic in, and returns false when the gate was closed before.
func (g *Gate) Open() bool { return g.phase.CompareAndSwap(starting, serving) }

// Close turns traffic away, and reports whether the gate was open.
func (g *Gate) Close() (wasOpen bool) { return g.phase.Swap(draining) == serving }

// Why a pod that lives gets no traffic.
const (
	startingUp   = "starting up: the database has not answered yet"
	shuttingDown = "shutting down"
)

// Closed returns a reason to stay away, or "".
func (g *Gate) Closed() string {
	switch g.phase.Load() {
	case starting:
		return startingUp
	case draining:
		return shuttingDown
	}
	return ""
}

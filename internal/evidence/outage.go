package evidence

import "time"

// Outages are what pods of the workload's did while a dependency was away from them. Their probes ask
// every second; see Pod.Spec.
type Outages struct {
	Dependency string `json:"dependency"` // "statefulset/postgres"
	// Without is the start of the workload before its dependency was there.
	Without *StartWithout `json:"without,omitempty"`
	Trials  []Outage      `json:"trials,omitempty"`
	// Unproxied says why podproof's proxy could not stand in front of the dependency, empty where
	// it did, and in evidence of a podproof that had none.
	Unproxied string `json:"unproxied,omitempty"`
	// Unreachable says why a dependency outside of the cluster could not be reached from in there, so
	// that nothing could be given back: only the start without it and outages up to their Healed were
	// seen, without what came after.
	Unreachable string `json:"unreachable,omitempty"`
	// Pod is the workload's, as last seen, with the log and the timeline of all trials that
	// have no pod of their own.
	Pod     Pod     `json:"pod"`
	Seconds float64 `json:"seconds"`
}

// StartWithout is a start without the dependency.
type StartWithout struct {
	// Began is when the container was first seen to run, or to have ended; Up is when the
	// dependency was ready.
	Began time.Time `json:"began,omitzero"`
	Up    time.Time `json:"up,omitzero"`
	// Waited is how long the container had run, or been started again and again, when the
	// dependency was brought up, in seconds.
	Waited float64 `json:"waited"`
	// BecameReady tells that it reported Ready before.
	BecameReady bool `json:"becameReady,omitempty"`
	// Exits is how often its container ended meanwhile, and LastExit with which code.
	Exits    int32 `json:"exits,omitempty"`
	LastExit int32 `json:"lastExit,omitempty"`
	// Init is the init container that the pod had not got beyond when the dependency was brought
	// up, InitExits how often it had ended with an error, InitLast with which code, and InitLog
	// the end of its log.
	Init      string    `json:"init,omitempty"`
	InitExits int32     `json:"initExits,omitempty"`
	InitLast  int32     `json:"initLast,omitempty"`
	InitLog   []LogLine `json:"initLog,omitempty"`
	// Recovered tells whether it became Ready once the dependency was, After how many seconds.
	Recovered bool    `json:"recovered"`
	After     float64 `json:"after,omitempty"`
	// Connected tells, of a workload that nobody can ask, whether its pod had a connection to the
	// dependency then; nil where that was not looked for, or cannot be seen.
	Connected *bool `json:"connected,omitempty"`
}

// The kinds of outages.
const (
	OutageRefused      = "refused"      // nobody listens
	OutageFrozen       = "frozen"       // it accepts, and never answers
	OutageRestarted    = "restarted"    // pooled connections are dead
	OutageDisconnected = "disconnected" // its server ended the connections, and goes on
)

// Outages in which it is there, and slow: so much longer takes a round trip.
const (
	OutageSlow200ms = "slow-200ms"
	OutageSlow2s    = "slow-2s"
)

// By what an outage was made.
const (
	// FaultProxy is podproof's proxy in front of the dependency, which went on all the while.
	FaultProxy = "proxy"
	// FaultNode are signals to the dependency's processes, and packet filters, on its node.
	FaultNode = "node"
)

// Passage is what podproof's proxy in front of the dependency counted in an outage.
type Passage struct {
	// Before are the clients with a connection when it began, During what each had and did while it
	// lasted, After who had one when the workload had had its time to come back.
	Before []Client `json:"before,omitempty"`
	During []Client `json:"during,omitempty"`
	After  []Client `json:"after,omitempty"`
	// Ended are the connections that it ended, Resets the segments with RST that were sent while the
	// proxy refused: one for each connection that it refused, among others; 0 where that cannot be seen.
	Ended  int   `json:"ended,omitempty"`
	Resets int64 `json:"resets,omitempty"`
}

// Client is an address that the proxy saw.
type Client struct {
	Address string `json:"address"`
	// Pod is the name of the pod that has it, empty where none of the namespace's has.
	Pod string `json:"pod,omitempty"`
	// Open are its connections to the dependency, Accepted those that it had made meanwhile.
	Open     int `json:"open,omitempty"`
	Accepted int `json:"accepted,omitempty"`
	// Sent and Received are the bytes that went to the dependency and came from it meanwhile.
	Sent     int64 `json:"sent,omitempty"`
	Received int64 `json:"received,omitempty"`
}

// Outage is one way in which the dependency was away.
type Outage struct {
	// Kind is one of those above.
	Kind string `json:"kind"`
	// Fault is by what it was made, empty in evidence of a podproof that knew FaultNode alone, and
	// Passage what the proxy counted.
	Fault   string   `json:"fault,omitempty"`
	Passage *Passage `json:"passage,omitempty"`

	Began  time.Time `json:"began"`
	Away   time.Time `json:"away,omitzero"` // when it was gone indeed, which may take a moment
	Healed time.Time `json:"healed"`        // when podproof began to give it back
	// Connected tells whether the workload's pod had, or had just had, a connection to the
	// dependency before the outage; nil where that cannot be seen.
	Connected *bool `json:"connected,omitempty"`
	// Reconnected is when the pod of a workload that nobody can ask was first seen to have a
	// connection to the dependency once that was back.
	Reconnected time.Time `json:"reconnected,omitzero"`
	// Unready and Ready are when the pod's Ready condition changed, zero where it did not.
	Unready time.Time `json:"unready,omitzero"`
	Ready   time.Time `json:"ready,omitzero"`
	// Restarts of the container during the outage and after it.
	Restarts int32 `json:"restarts,omitempty"`
	// Requests were sent straight to the pod all the while, by stream: "health", "ready", "query".
	// There are none to a workload that nobody can ask.
	Requests []Request `json:"requests,omitempty"`
	// Pod is the workload's, where the outage was tried on one of its own.
	Pod *Pod `json:"pod,omitempty"`
	// Problem says why it told nothing.
	Problem string `json:"problem,omitempty"`
	// Unfit says why this dependency cannot go away like that: nothing was tried, and nothing is
	// missing.
	Unfit string `json:"unfit,omitempty"`
}

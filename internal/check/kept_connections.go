package check

import (
	"fmt"

	"podproof.dev/podproof/internal/evidence"
)

// farewells are how a server took leave of the connections that its clients kept.
type farewells struct {
	requests int // over connections of earlier ones
	told     int // answers that said Connection: close
	idle     int // connections that were closed while a request was on its way to them
	read     int // requests that were read, or might have been, and not answered
	first    evidence.Request
}

// closedWhileIdle tells whether a server closed a kept connection at the very moment when a
// request was sent over it. The server has not read the request then, and any client may send
// it again (RFC 9112, 9.3.1).
func closedWhileIdle(r evidence.Request) bool {
	return r.Stream == evidence.StreamKept && r.Unread && r.Failure != ""
}

func (f *farewells) add(r evidence.Request) {
	if r.Stream != evidence.StreamKept {
		return
	}
	f.requests += count01(r.Reused)
	switch {
	case r.Closes:
		f.told++
	case closedWhileIdle(r):
		f.idle++
	case r.Failure != "" && r.Reused:
		if f.read++; f.read == 1 {
			f.first = r
		}
	}
}

// words count the connections that were closed while a request was on its way.
func (f farewells) words() string {
	return fmt.Sprintf("%s of %s over kept connections met one that the server was just closing; no answer was lost, but a client has to send it again (RFC 9112, 9.3.1); %s said Connection: close",
		count(f.idle, "request"), count(f.requests, "request"), count(f.told, "answer"))
}

// keptIn are the farewells of a pod that was stopped on its own, and of the rollouts, which
// have more kept connections.
func keptIn(rs []evidence.Request, rollouts []evidence.Rollout) farewells {
	var f farewells
	for _, r := range rs {
		f.add(r)
	}
	for _, o := range rollouts {
		for _, r := range o.Requests {
			if o.PreStopSleep == 0 && (r.Failure == "" || closedWhileIdle(r)) { // the others are lost there
				f.add(r)
			}
		}
	}
	return f
}

// cut says how kept connections were cut without a word, empty where they were not: a request
// that was read got no answer, or more than one were closed while a request was on its way and
// nobody was ever told. A single one of those is chance.
func (f farewells) cut() string {
	switch {
	case f.read > 0:
		return requestWords(f.first)
	case f.idle > 1 && f.told == 0:
		return f.words()
	}
	return ""
}

// findings say how kept connections were cut, or what is worth telling where they were not.
func (f farewells) findings() []Finding {
	switch cut := f.cut(); {
	case cut != "":
		return []Finding{{Where: "kept connections", Message: cut}}
	case f.idle > 0:
		return []Finding{{Where: "kept connections", Message: f.words(), Note: true}}
	case f.told == 0:
		return []Finding{{Where: "kept connection", Message: "no answer said Connection: close; it was closed while it was idle, or the process ended first", Note: true}}
	}
	return nil
}

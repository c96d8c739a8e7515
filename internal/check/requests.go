package check

import (
	"fmt"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// answeredAs tells whether a request got a whole answer that is no worse than its route's
// ordinary one: no error of the server's, and of no higher class of status (RFC 9110, 15). A
// 404 where a route answers 200 comes from a server that is going, or has not come up. An
// ordinary status of 0 is not known.
func answeredAs(r evidence.Request, ordinary int) bool {
	if r.Failure != "" || r.Status <= 0 || r.Status >= 500 {
		return false
	}
	return ordinary == 0 || r.Status/100 <= ordinary/100
}

// ordinaryStatus is what a stream's route answered before a disturbance, when most answers
// are of one class: the first of them. It is 0 where no whole answer came.
func ordinaryStatus(before []evidence.Request, stream string) int {
	var n, first [10]int
	for _, r := range before {
		class := r.Status / 100
		if r.Stream != stream || r.Failure != "" || class < 1 || class > 5 {
			continue
		}
		if n[class]++; n[class] == 1 {
			first[class] = r.Status
		}
	}
	most := 0
	for class := range n {
		if n[class] > n[most] {
			most = class
		}
	}
	return first[most]
}

// endedBefore are the requests that were over at a time.
func endedBefore(rs []evidence.Request, at time.Time) []evidence.Request {
	var out []evidence.Request
	for _, r := range rs {
		if r.Ended().Before(at) {
			out = append(out, r)
		}
	}
	return out
}

// firstSaid says what a stream was answered first.
func firstSaid(rs []evidence.Request, stream string) string {
	for _, r := range rs {
		if r.Stream == stream {
			return requestWords(r)
		}
	}
	return "it was not asked"
}

// requestWords says what became of a request.
func requestWords(r evidence.Request) string { return failureWords(r) + " after " + seconds(r.End) }

func failureWords(r evidence.Request) string {
	switch r.Failure {
	case "":
		return fmt.Sprintf("status %d", r.Status)
	case evidence.FailureRefused:
		return "connection refused"
	case evidence.FailureReset:
		return "connection reset"
	case evidence.FailureClosed:
		return "connection closed before the response was complete"
	case evidence.FailureTimeout:
		return "no answer"
	case evidence.FailureUnreachable:
		return "no route to the pod"
	}
	return said(r.Error, 120)
}

// placeOf is where a request went: a kept connection that the server has closed is a new one.
func placeOf(r evidence.Request) string {
	if r.Stream == evidence.StreamKept && !r.Reused {
		return requestPlace(evidence.StreamNew)
	}
	return requestPlace(r.Stream)
}

func requestPlace(stream string) string {
	switch stream {
	case evidence.StreamSlow:
		return "with half of the body sent"
	case evidence.StreamKept:
		return "over a kept connection"
	case evidence.StreamNew:
		return "over a new connection"
	}
	return "to the " + stream + " route"
}

package check

import (
	"testing"

	"podproof.dev/podproof/internal/evidence"
)

func TestAnswerIsNoWorseThanTheOrdinaryOne(t *testing.T) {
	for _, c := range []struct {
		name             string
		status, ordinary int
		failure          string
		want             bool
	}{
		{name: "as always", status: 200, ordinary: 200, want: true},
		{name: "another of its class", status: 201, ordinary: 200, want: true},
		{name: "a refusal as always", status: 401, ordinary: 401, want: true},
		{name: "better than always", status: 200, ordinary: 404, want: true},
		{name: "a redirect where it answered", status: 302, ordinary: 200},
		{name: "not found where it answered", status: 404, ordinary: 200},
		{name: "aborted where it answered", status: 400, ordinary: 201},
		{name: "an error of the server's", status: 503, ordinary: 200},
		{name: "an error as always is no answer", status: 503, ordinary: 503},
		{name: "half an answer", status: 200, ordinary: 200, failure: "closed"},
		{name: "no answer", ordinary: 200},
		{name: "nothing known of before", status: 404, want: true},
		{name: "an error, and nothing known of before", status: 500},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := evidence.Request{Status: c.status, Failure: c.failure}
			if got := answeredAs(r, c.ordinary); got != c.want {
				t.Errorf("status %d (%q) where %d is ordinary is an answer: %t", c.status, c.failure, c.ordinary, got)
			}
		})
	}
}

func TestOrdinaryStatus(t *testing.T) {
	rs := []evidence.Request{answer("new", 1, 404), answer("new", 2, 200), answer("new", 3, 204), answer("kept", 4, 401),
		failed("new", 5, 1, "timeout"), failed("none", 6, 1, "refused")}
	for stream, want := range map[string]int{"new": 200, "kept": 401, "none": 0, "other": 0} {
		if got := ordinaryStatus(rs, stream); got != want {
			t.Errorf("of the stream %s %d is ordinary, want %d", stream, got, want)
		}
	}
}

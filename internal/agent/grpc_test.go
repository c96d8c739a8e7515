package agent

import (
	"net/http"
	"slices"
	"testing"
)

func TestTheAnswersOfAHealthService(t *testing.T) {
	says := func(code, message string) http.Header {
		h := http.Header{}
		if code != "" {
			h.Set("Grpc-Status", code)
			h.Set("Grpc-Message", message)
		}
		return h
	}
	serving, not := []byte{0, 0, 0, 0, 2, 8, 1}, []byte{0, 0, 0, 0, 2, 8, 2}
	for _, c := range []struct {
		name            string
		http            int
		header, trailer http.Header
		said            []byte
		anyState        bool
		status          int
		text            string
	}{
		{name: "it serves", http: 200, trailer: says("0", ""), said: serving, status: 200, text: "SERVING"},
		{name: "it does not", http: 200, trailer: says("0", ""), said: not, status: 503, text: "NOT_SERVING"},
		{name: "any state will do", http: 200, trailer: says("0", ""), said: not, anyState: true, status: 200, text: "NOT_SERVING"},
		{name: "any state but none", http: 200, trailer: says("0", ""), said: []byte{0}, anyState: true, status: 500},
		{name: "not any error", http: 200, trailer: says("14", "x"), anyState: true, status: 500, text: "grpc-status 14: x"},
		{name: "an answer of a header alone", http: 200, header: says("5", "unknown%20service"), status: 404, text: "grpc-status 5 NOT_FOUND: unknown service"},
		{name: "a message that is not escaped", http: 200, trailer: says("5", "100%"), status: 404, text: "grpc-status 5 NOT_FOUND: 100%"},
		{name: "no such method", http: 200, trailer: says("12", "m"), status: 501, text: "grpc-status 12 UNIMPLEMENTED: m"},
		{name: "no status", http: 200, said: serving, status: 500, text: `no gRPC answer: its grpc-status is ""`},
		{name: "no HTTP route", http: 404, status: 501, text: "HTTP 404: no gRPC health service is served"},
		{name: "a proxy", http: 502, status: 502, text: "HTTP 502 in place of a gRPC answer"},
		{name: "a redirect", http: 302, status: 400, text: "HTTP 302 in place of a gRPC answer"},
	} {
		status, text := healthStatus(&http.Response{StatusCode: c.http, Header: c.header, Trailer: c.trailer}, c.said, c.anyState)
		if status != c.status || text != c.text {
			t.Errorf("%s: %d %q", c.name, status, text)
		}
	}
}

func TestServingStatus(t *testing.T) {
	for _, c := range []struct {
		name   string
		framed []byte
		status int
		text   string
	}{
		{"unknown, which is not written", []byte{0, 0, 0, 0, 0}, 503, "UNKNOWN"},
		{"serving", []byte{0, 0, 0, 0, 2, 8, 1}, 200, "SERVING"},
		{"the last one counts", []byte{0, 0, 0, 0, 4, 8, 1, 8, 2}, 503, "NOT_SERVING"},
		{"no such service", []byte{0, 0, 0, 0, 2, 8, 3}, 404, "SERVICE_UNKNOWN"},
		{"a newer state", []byte{0, 0, 0, 0, 2, 8, 9}, 503, "UNKNOWN"},
		{"another field", []byte{0, 0, 0, 0, 2, 16, 1}, 503, "UNKNOWN"},
		{"the value is cut off", []byte{0, 0, 0, 0, 1, 8}, 503, "UNKNOWN"},
		{"the value has no end", []byte{0, 0, 0, 0, 2, 8, 128}, 503, "UNKNOWN"},
		{"compressed", []byte{1, 0, 0, 0, 2, 8, 1}, 500, ""},
		{"too short", []byte{0, 0, 0, 0}, 500, ""},
	} {
		if status, text := servingStatus(c.framed); status != c.status || text != c.text {
			t.Errorf("%s: %d %q", c.name, status, text)
		}
	}
}

func TestHealthRequest(t *testing.T) {
	if got := healthRequest(""); !slices.Equal(got, []byte{0, 0, 0, 0, 0}) {
		t.Errorf("of the server: %v", got)
	}
	if got := healthRequest("shop"); !slices.Equal(got, []byte{0, 0, 0, 0, 6, 10, 4, 's', 'h', 'o', 'p'}) {
		t.Errorf("of a service: %v", got)
	}
}

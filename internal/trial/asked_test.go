package trial

import (
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// The Host's header is a word of its own to the agent.
func TestStream(t *testing.T) {
	s := stream("new", contract.Endpoint{Protocol: "http", Path: "/health", Header: map[string]string{"host": "shop.example", "X": "1"}}, "10.0.0.7:80")
	if s.Host != "shop.example" || len(s.Header) != 1 || s.Header["X"] != "1" || s.Path != "/health" || s.Address != "10.0.0.7:80" || s.Timeout != 30_000 || s.Name != "new" {
		t.Errorf("got %+v", s)
	}
}

func TestARequestThatCanBeHeld(t *testing.T) {
	http := contract.Endpoint{Protocol: "http", Port: 8000, Path: "/health", Header: map[string]string{"A": "1"}}
	a := Asked{Load: http}
	if _, ok := a.slow("10.0.0.7"); ok {
		t.Error("a GET can be held")
	}
	a.Upload = &Route{Method: "POST", Path: "/items", Body: "{}", Header: map[string]string{"B": "2"}}
	s, ok := a.slow("10.0.0.7")
	if !ok || s.Name != evidence.StreamSlow || s.Path != "/items" || s.Body != "{}" || s.Address != "10.0.0.7:8000" || s.Header["A"] != "1" || s.Header["B"] != "2" || !s.Hold || s.Count != 1 || !s.AnyState {
		t.Errorf("got %+v, %t", s, ok)
	}
	a = Asked{Load: contract.Endpoint{Protocol: contract.ProtocolGRPC, Port: 9000}}
	if s, ok := a.slow("10.0.0.7"); !ok || !s.Hold || s.Body != "" {
		t.Errorf("got %+v, %t", s, ok)
	}
}

func TestServes(t *testing.T) {
	if (Asked{}).serves() || !(Asked{Health: contract.Endpoint{Port: 80}}).serves() {
		t.Error("a port is what tells it")
	}
}

package trial

import (
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Asked says where and how the workload under test is asked. Trials that send requests are
// for workloads that serve; see contract.Contract.Serves.
type Asked struct {
	// Health says that it lives, Ready that it can serve: the readiness probe's own place, or
	// Health where that asks nothing over the network. Load is what a load asks for.
	Health, Ready, Load contract.Endpoint
	// Query is a route whose answer comes from the dependency, Upload one that reads a body
	// before it answers, each on Load's port; nil where none is known.
	Query, Upload *Route
	// Longest is how long a request may take that is answered also when the workload is stopped.
	Longest time.Duration
	// EndsWithin is how long after its deletion a pod may take to end; 0 for its grace period.
	EndsWithin time.Duration
}

// Route is one request that the workload answers.
type Route struct {
	Method, Path string
	Header       map[string]string
	Body         string
}

// stream asks an endpoint at an address of a pod or a Service, "10.96.0.7:80".
func stream(name string, e contract.Endpoint, address string) agent.Stream {
	s := agent.Stream{Name: name, Protocol: e.Protocol, Address: address, Method: "GET", Path: e.Path, Service: e.Service,
		Header: map[string]string{}, Timeout: int(requestTimeout.Milliseconds())}
	for k, v := range e.Header {
		if strings.EqualFold(k, "Host") {
			s.Host = v
			continue
		}
		s.Header[k] = v
	}
	return s
}

// at is the address of an endpoint of a pod.
func at(ip string, e contract.Endpoint) string { return net.JoinHostPort(ip, strconv.Itoa(e.Port)) }

// request asks a route on the port that serves.
func (a Asked) request(name string, r Route, ip string) agent.Stream {
	s := stream(name, a.Load, at(ip, a.Load))
	s.Method, s.Path, s.Body = r.Method, r.Path, r.Body
	maps.Copy(s.Header, r.Header)
	return s
}

// serves tells whether anybody can ask the workload.
func (a Asked) serves() bool { return a.Health.Port != 0 }

// slow is a request that can be held under way: the upload with half of its body, or a call of
// gRPC's health service without its message. It is false where none is known.
func (a Asked) slow(ip string) (agent.Stream, bool) {
	s := stream(evidence.StreamSlow, a.Load, at(ip, a.Load))
	if a.Upload != nil {
		s = a.request(evidence.StreamSlow, *a.Upload, ip)
	}
	s.Hold, s.Count, s.AnyState = true, 1, true
	return s, a.Upload != nil || a.Load.Protocol == contract.ProtocolGRPC
}

package contract

import (
	"fmt"
	"maps"
	"net/http"
)

// The protocols of an Endpoint.
const (
	ProtocolHTTP  = "http"
	ProtocolHTTPS = "https"
	ProtocolGRPC  = "grpc" // gRPC's health protocol, over HTTP/2 without TLS, as a kubelet asks it
	ProtocolTCP   = "tcp"  // a connection is all that is asked for
)

// The schemes of HTTP.Scheme.
const (
	SchemeHTTP  = ProtocolHTTP
	SchemeHTTPS = ProtocolHTTPS
)

// Endpoint is where and how a workload is asked.
type Endpoint struct {
	Protocol string            `json:"protocol"`
	Port     int               `json:"port"`
	Path     string            `json:"path,omitempty"` // of HTTP
	Header   map[string]string `json:"header,omitempty"`
	Service  string            `json:"service,omitempty"` // of gRPC's health protocol
}

// String says what is asked: "GET /health", "gRPC health of shop.v1.Shop".
func (e Endpoint) String() string {
	switch e.Protocol {
	case ProtocolGRPC:
		if e.Service == "" {
			return "gRPC health"
		}
		return "gRPC health of " + e.Service
	case ProtocolTCP:
		return fmt.Sprintf("a connection to port %d", e.Port)
	}
	return "GET " + e.Path
}

// Healthy tells whether a status is a success, as a kubelet takes it: 200 to 399
// (pkg/probe/http/http.go). The status of a gRPC answer is 200 where it says SERVING.
func Healthy(status int) bool {
	return status >= http.StatusOK && status < http.StatusBadRequest
}

// Serves tells whether the workload answers requests at all. One that does not, a worker, has
// no port, no probe over the network and no Service, and a contract without http and grpc.
func (c Contract) Serves() bool {
	return c.HTTP.Port != 0 || c.HTTP.Health != "" || c.GRPC != nil
}

// HealthEndpoint is where the workload says that it lives. Its path is "/" where no route is known.
func (c Contract) HealthEndpoint() Endpoint {
	if c.speaksGRPC() {
		return c.grpc()
	}
	e := c.http(c.HTTP.Health)
	if c.HTTP.HealthPort != 0 {
		e.Port = c.HTTP.HealthPort
	}
	return e
}

// LoadEndpoint is what a load asks for, on the port that serves the users: the health route
// where that is served there, or else a query, or else "/".
func (c Contract) LoadEndpoint() Endpoint {
	if c.speaksGRPC() {
		return c.grpc()
	}
	elsewhere := c.HTTP.HealthPort != 0 && c.HTTP.HealthPort != c.HTTP.Port
	switch q := c.HTTP.Query; {
	case c.HTTP.Health != "" && !elsewhere:
		return c.http(c.HTTP.Health)
	case q != nil && q.Verb() == http.MethodGet:
		e := c.http(q.Path)
		maps.Copy(e.Header, q.Header)
		return e
	}
	return c.http("")
}

// speaksGRPC tells whether gRPC is all that is known to be spoken.
func (c Contract) speaksGRPC() bool { return c.GRPC != nil && c.HTTP.Health == "" }

func (c Contract) grpc() Endpoint {
	return Endpoint{Protocol: ProtocolGRPC, Port: c.GRPC.Port, Service: c.GRPC.Service}
}

func (c Contract) http(path string) Endpoint {
	e := Endpoint{Protocol: ProtocolHTTP, Port: c.HTTP.Port, Path: path, Header: map[string]string{}}
	if c.HTTP.Scheme != "" {
		e.Protocol = c.HTTP.Scheme
	}
	if path == "" {
		e.Path = "/"
	}
	maps.Copy(e.Header, c.HTTP.Header)
	return e
}

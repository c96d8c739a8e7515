package main

import (
	"io"
	"net/http"
	"sync/atomic"
)

// health answers gRPC's health protocol (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) for the whole server.
type health struct{ draining atomic.Bool }

func (h *health) drain() { h.draining.Store(true) }

// The states of a HealthCheckResponse.
const (
	serving    = 1
	notServing = 2
)

func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the request is read whole before it is answered
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	if r.URL.Path != "/grpc.health.v1.Health/Check" {
		w.Header().Set("Grpc-Status", "12") // UNIMPLEMENTED
		return
	}
	state := byte(serving)
	if h.draining.Load() {
		state = notServing
	}
	// A message is not compressed and two bytes long: field 1, a varint.
	_, _ = w.Write([]byte{0, 0, 0, 0, 2, 1 << 3, state})
	w.Header().Set("Grpc-Status", "0")
}

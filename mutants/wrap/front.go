package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
)

// front serves at an address what the program does at another one. The function that it
// returns ends that: every request is answered with 503 from then on, as by an app that has
// closed its database pool and goes on serving.
func front(address, program string) (end func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("front of %s: %w", program, err)
	}
	var ended atomic.Bool
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: program})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ended.Load() {
			http.Error(w, "the pool is closed", http.StatusServiceUnavailable)
			return
		}
		pass.ServeHTTP(w, r)
	})
	go func() { fmt.Fprintln(os.Stderr, "wrap:", http.Serve(l, handler)) }()
	return func() { ended.Store(true) }, nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// front serves at an address what the program does at another one. The function that it
// returns ends that: every request is answered with 503 from then on, as by an app that has
// closed its database pool and goes on serving. A request for the path insisted is not
// answered before the program can, as by an app whose queries have no limit of time.
//
// With forClients the end is to stop listening, and to wait until every client has closed its
// connection, as Node's server.close does: none of them is told to.
func front(address, program, insisted string, forClients bool) (end func(), err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("front of %s: %w", program, err)
	}
	var ended atomic.Bool
	pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: program})
	pass.ErrorLog = log.New(io.Discard, "", 0) // what it passes on is the program's affair
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ended.Load() {
			http.Error(w, "the pool is closed", http.StatusServiceUnavailable)
			return
		}
		if insisted != "" && r.URL.Path == insisted {
			insist(r.Context(), "http://"+program+insisted)
		}
		pass.ServeHTTP(w, r)
	})
	var open sync.WaitGroup
	s := http.Server{Handler: handler, ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}}
	go func() { fmt.Fprintln(os.Stderr, "wrap:", s.Serve(l)) }()
	if forClients {
		return func() { _ = l.Close(); open.Wait() }, nil
	}
	return func() { ended.Store(true) }, nil
}

// insist asks again and again, until there is an answer that is no error.
func insist(ctx context.Context, url string) {
	const between = 100 * time.Millisecond
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return
		}
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode < http.StatusInternalServerError {
				return
			}
		}
		time.Sleep(between)
	}
}

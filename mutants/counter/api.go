package main

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// api counts hits, in Redis where there is one.
type api struct {
	*http.ServeMux
	store    *store
	hits     atomic.Int64
	draining atomic.Bool
}

func newAPI(redis string) *api {
	a := &api{ServeMux: http.NewServeMux()}
	if redis != "" {
		a.store = &store{address: redis}
	}
	a.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	a.HandleFunc("GET /readyz", a.ready)
	a.HandleFunc("GET /hits", a.count)
	a.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, "the body was cut off", http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body)
	})
	return a
}

func (a *api) drain() { a.draining.Store(true) }

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	a.ServeMux.ServeHTTP(w, r)
}

func (a *api) ready(w http.ResponseWriter, _ *http.Request) {
	if a.draining.Load() {
		http.Error(w, "ending", http.StatusServiceUnavailable)
		return
	}
	if a.store != nil {
		if _, err := a.store.do("PING"); err != nil {
			http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ready")
}

func (a *api) count(w http.ResponseWriter, _ *http.Request) {
	if a.store == nil {
		fmt.Fprintln(w, a.hits.Add(1))
		return
	}
	n, err := a.store.do("INCR", "hits")
	if err != nil {
		http.Error(w, "the store does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, n)
}

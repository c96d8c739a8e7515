package main

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// api counts hits, in Redis where there is one, and tells another one how many there are, when it can.
type api struct {
	*http.ServeMux
	store    *store
	told     chan string // to the cache
	hits     atomic.Int64
	draining atomic.Bool
}

func newAPI(redis, cache string, once bool) *api {
	a := &api{ServeMux: http.NewServeMux(), told: make(chan string, 1)}
	if redis != "" {
		a.store = &store{address: redis, once: once}
	}
	if cache != "" {
		go a.tell(&store{address: cache})
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
	select {
	case a.told <- n:
	default: // the cache has enough to do, or is away
	}
	fmt.Fprintln(w, n)
}

// tell writes into the cache what it is told, and does without it while it is away.
func (a *api) tell(cache *store) {
	for n := range a.told {
		_, _ = cache.do("SET", "hits", n)
	}
}

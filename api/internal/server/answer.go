package server

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"podproof.dev/reactbin/internal/store"
)

// problem is an error answer by RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func send(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store") // tokens and URLs that expire
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // keeps the & of URLs readable; no browser takes this for HTML
	_ = encoder.Encode(body)     // an error here is a client that went away
}

func reply(w http.ResponseWriter, status int, body any) {
	send(w, status, "application/json", body)
}

func fail(w http.ResponseWriter, status int, detail string) {
	send(w, status, "application/problem+json", problem{Title: http.StatusText(status), Status: status, Detail: detail})
}

func unauthorized(w http.ResponseWriter, detail string) {
	w.Header().Set("WWW-Authenticate", "Bearer")
	fail(w, http.StatusUnauthorized, detail)
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, http.StatusNotFound, "there is nothing at "+r.URL.Path)
}

func methodNotAllowed(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed)
		fail(w, http.StatusMethodNotAllowed, r.URL.Path+" accepts "+allowed)
	}
}

// failStore answers for an error of the store. The cause goes to the log, as far as it holds no secret.
func (s *Server) failStore(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotFound) {
		notFound(w, r)
		return
	}
	if !errors.Is(err, context.Canceled) { // which is a client that went away
		s.Log.Error("Database failed", "path", r.URL.Path, "reason", store.Reason(err))
	}
	if store.Unavailable(err) {
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, "the database does not answer")
		return
	}
	fail(w, http.StatusInternalServerError, "the database refused the request")
}

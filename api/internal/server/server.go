// Package server is the HTTP interface: routes, what they accept, and what they answer.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"podproof.dev/reactbin/internal/auth"
	"podproof.dev/reactbin/internal/store"
	"podproof.dev/reactbin/internal/upload"
)

const (
	// requestTimeout bounds what a handler may wait for, above all a database that is frozen.
	requestTimeout = 5 * time.Second
	// maxBody is in bytes. The largest request is a reaction with all its tags.
	maxBody = 64 << 10
)

// Database is what the handlers need of a store.
type Database interface {
	Ping(ctx context.Context) error
	Create(ctx context.Context, name string, tags []string, contentType string) (store.Reaction, error)
	Get(ctx context.Context, id uuid.UUID) (store.Reaction, error)
	List(ctx context.Context, page store.Page) ([]store.Reaction, error)
}

// Server answers requests. All exported fields are required.
type Server struct {
	Log      *slog.Logger
	Gate     *Gate
	Database Database
	Owner    auth.Owner
	Bucket   upload.Bucket

	databaseFailed atomic.Bool // at the last readiness probe
}

// Handler is the whole interface. Reading is open to everybody, since reactions are made
// to be linked to; what changes the bin takes the owner's token.
func (s *Server) Handler() http.Handler {
	routes := []struct {
		method, path string
		handler      http.HandlerFunc
	}{
		{"GET", "/api/v1/health", s.health},
		{"GET", "/api/v1/ready", s.ready},
		{"POST", "/api/v1/auth/token", s.token},
		{"GET", "/api/v1/reactions", s.list},
		{"POST", "/api/v1/reactions", s.owned(s.create)},
		{"GET", "/api/v1/reactions/{id}", s.get},
	}
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range routes {
		mux.HandleFunc(r.method+" "+r.path, r.handler)
		allowed[r.path] = append(allowed[r.path], r.method)
	}
	// A pattern without a method matches what is left of a path. The mux's own answers are plain text.
	for path, methods := range allowed {
		if slices.Contains(methods, "GET") {
			methods = append(methods, "HEAD") // which the mux serves with GET's handler
		}
		slices.Sort(methods)
		mux.HandleFunc(path, methodNotAllowed(strings.Join(methods, ", ")))
	}
	mux.HandleFunc("/", notFound)

	return limited(s.logged(s.recovered(s.closing(mux))))
}

package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// answer remembers what was sent, for the log and for panics.
type answer struct {
	http.ResponseWriter
	status int // 0 until the header is sent
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// logged writes a line for each request: no query, no header, no body, since they carry secrets.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		a := &answer{ResponseWriter: w}
		next.ServeHTTP(a, r)

		level := slog.LevelInfo
		if probe := strings.HasSuffix(r.URL.Path, "/health") || strings.HasSuffix(r.URL.Path, "/ready"); probe {
			level = slog.LevelDebug // every second or two, for ever
		}
		s.Log.LogAttrs(r.Context(), level, "Request",
			slog.String("method", r.Method),
			slog.String("path", r.URL.Path),
			slog.Int("status", a.status),
			slog.Float64("milliseconds", float64(time.Since(begin).Microseconds())/1000))
	})
}

// recovered turns a handler's panic into an answer, and into a log line with the stack.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause) // net/http's own way to end a connection
			}
			s.Log.Error("Handler panicked", "path", r.URL.Path, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
			if a, ok := w.(*answer); ok && a.status != 0 {
				panic(http.ErrAbortHandler) // too late for a status: let the client see that it broke
			}
			fail(w, http.StatusInternalServerError, "the request could not be completed")
		}()
		next.ServeHTTP(w, r)
	})
}

// closing tells clients of a pod that shuts down to connect elsewhere, with an answer each.
// http.Server.SetKeepAlivesEnabled(false) would at once cut idle connections, and with them
// the request that is just on its way.
func (s *Server) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Gate.Closed() == shuttingDown {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// limited bounds the body's size and the handler's time. It is the outermost, since
// http.MaxBytesReader closes the connection only through net/http's own ResponseWriter.
func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// owned lets only the owner's token through.
func (s *Server) owned(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			unauthorized(w, "an Authorization header with a bearer token is needed")
			return
		}
		if err := s.Owner.Verify(token); err != nil {
			unauthorized(w, "the token is not valid, or no longer")
			return
		}
		next(w, r)
	}
}

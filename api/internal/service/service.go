// Package service is the life of the process: it starts, waits for its database, serves, and
// ends in an order that costs no request.
package service

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"podproof.dev/reactbin/internal/server"
)

// HTTP is what of *http.Server the service drives.
type HTTP interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// Database is what of a store the service drives.
type Database interface {
	Ping(context.Context) error
	Close()
}

// Service is one run of the process. All fields are required.
type Service struct {
	Log      *slog.Logger
	Gate     *server.Gate
	HTTP     HTTP
	Database Database
	Delay    time.Duration // between not ready and the end of serving
	Drain    time.Duration // for requests in flight, after that
}

// closeTimeout bounds closing the pool, which a frozen database could hold up for ever.
const closeTimeout = 2 * time.Second

// Run serves until ctx ends, then shuts down. It returns nil when every request was answered.
func (s *Service) Run(ctx context.Context, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- s.HTTP.Serve(listener) }()
	s.Log.Info("Started server", "address", listener.Addr().String())

	started := make(chan struct{})
	go func() {
		defer close(started)
		if s.awaitDatabase(ctx) && s.Gate.Open() {
			s.Log.Info("Application startup complete", "address", listener.Addr().String())
		}
	}()

	select {
	case err := <-served:
		s.Gate.Close()
		s.closeDatabase()
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	err := s.shutDown(ctx)
	<-started // it ended with ctx; so its line is never the last
	s.Log.Info("Shutdown complete")
	return err
}

// shutDown ends the service in the order that Kubernetes needs: SIGTERM arrives before
// the endpoints of the Service have caught up everywhere.
func (s *Service) shutDown(ctx context.Context) error {
	delay := s.Delay
	if wasOpen := s.Gate.Close(); !wasOpen {
		delay = 0 // nobody was sent to a pod that never was ready
	}
	s.Log.Info("Shutting down", "cause", context.Cause(ctx).Error(),
		"delay", delay.String(), "timeout", s.Drain.String())
	<-time.After(delay)

	drain, cancel := context.WithTimeout(context.Background(), s.Drain)
	defer cancel()
	err := s.HTTP.Shutdown(drain)
	if err != nil {
		_ = s.HTTP.Close()
		err = fmt.Errorf("requests were still in flight after %s and were cut off: %w", s.Drain, err)
	}
	s.closeDatabase()
	return err
}

func (s *Service) closeDatabase() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		s.Database.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
		s.Log.Warn("Database connections did not close in time", "timeout", closeTimeout.String())
	}
}

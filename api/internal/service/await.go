package service

import (
	"context"
	"time"

	"podproof.dev/reactbin/internal/store"
)

const (
	pingTimeout = 5 * time.Second
	firstPause  = 100 * time.Millisecond
	longest     = 2 * time.Second
)

// awaitDatabase returns true once the database answers, and false when ctx ended first.
// A database that isn't there yet is no reason to exit: the kubelet would restart the pod
// with pauses of up to five minutes.
func (s *Service) awaitDatabase(ctx context.Context) bool {
	var last string
	for pause := firstPause; ; pause = min(2*pause, longest) {
		attempt, cancel := context.WithTimeout(ctx, pingTimeout)
		err := s.Database.Ping(attempt)
		cancel()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if reason := store.Reason(err); reason != last {
			s.Log.Warn("Waiting for the database", "reason", reason)
			last = reason
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(pause):
		}
	}
}

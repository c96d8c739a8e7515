package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"podproof.dev/reactbin/internal/store"
)

// readyTimeout is shorter than the kubelet's patience with a readiness probe, so that the
// probe gets a reason instead of a timeout.
const readyTimeout = time.Second

// health says that the process serves requests. It asks nobody else: a restart of this pod
// would not mend a database.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready says that this pod can do its work now.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	if reason := s.Gate.Closed(); reason != "" {
		fail(w, http.StatusServiceUnavailable, reason)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	err := s.Database.Ping(ctx)
	s.logReadiness(err)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, "database: "+store.Reason(err))
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ready"})
}

// logReadiness writes a line when the state changes, not for each probe. Kubernetes itself
// keeps only the status code of a failed probe.
func (s *Server) logReadiness(err error) {
	if errors.Is(err, context.Canceled) {
		return // the client went away, which says nothing about the database
	}
	failed := err != nil
	if s.databaseFailed.Swap(failed) == failed {
		return
	}
	if failed {
		s.Log.Warn("Not ready: the database does not answer", "reason", store.Reason(err))
	} else {
		s.Log.Info("Ready again: the database answers")
	}
}

package service

import (
	"log/slog"
	"net/http"
	"time"

	"podproof.dev/reactbin/internal/auth"
	"podproof.dev/reactbin/internal/server"
	"podproof.dev/reactbin/internal/settings"
	"podproof.dev/reactbin/internal/store"
)

// New puts the real parts together. It connects to nothing yet.
func New(s settings.Settings, log *slog.Logger) (*Service, error) {
	database, err := store.Open(s.Database)
	if err != nil {
		return nil, err
	}
	gate := &server.Gate{}
	api := server.Server{
		Log:      log,
		Gate:     gate,
		Database: database,
		Bucket:   s.Bucket,
		Owner: auth.Owner{
			Username: s.OwnerUsername,
			Password: s.OwnerPassword,
			Key:      []byte(s.JWTSecretKey),
			Now:      time.Now,
		},
	}
	return &Service{
		Log:      log,
		Gate:     gate,
		HTTP:     newHTTP(api.Handler(), log),
		Database: database,
		Delay:    s.ShutdownDelay,
		Drain:    s.ShutdownTimeout,
	}, nil
}

// newHTTP is a server whose every phase is bounded, so that a slow client holds up nothing.
// All bounds are shorter than the default drain.
func newHTTP(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

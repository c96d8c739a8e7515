package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"
	"time"

	"podproof.dev/reactbin/internal/auth"
	"podproof.dev/reactbin/internal/server"
	"podproof.dev/reactbin/internal/service"
	"podproof.dev/reactbin/internal/settings"
	"podproof.dev/reactbin/internal/store"
)

// serve puts the parts together and runs them. Logs go to stdout.
func serve(ctx context.Context, env func(string) (string, bool), stdout io.Writer) int {
	var level slog.LevelVar
	log := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: &level}))

	s, err := settings.Load(env)
	if err != nil {
		var problems settings.Problems
		errors.As(err, &problems)
		for _, p := range problems {
			log.Error("Invalid setting", "variable", p.Variable, "seen", p.Seen, "expected", p.Expected)
		}
		return 1
	}
	level.Set(s.LogLevel)

	listener, err := net.Listen("tcp", ":"+strconv.Itoa(s.Port))
	if err != nil {
		log.Error("Cannot listen; PORT names the port", "error", err)
		return 1
	}
	database, err := store.Open(s.Database)
	if err != nil {
		log.Error("Cannot use DATABASE_URL", "reason", store.Reason(err))
		return 1
	}
	gate := &server.Gate{}
	api := &server.Server{
		Log: log, Gate: gate, Database: database, Bucket: s.Bucket,
		Owner: auth.Owner{Username: s.OwnerUsername, Password: s.OwnerPassword, Key: []byte(s.JWTSecretKey), Now: time.Now},
	}
	process := service.Service{
		Log: log, Gate: gate, Database: database, HTTP: service.NewHTTP(api.Handler(), log),
		Delay: s.ShutdownDelay, Drain: s.ShutdownTimeout,
	}
	if err := process.Run(ctx, listener); err != nil {
		log.Error("Ended with an error", "error", err)
		return 1
	}
	return 0
}

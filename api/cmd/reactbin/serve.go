package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strconv"

	"podproof.dev/reactbin/internal/service"
	"podproof.dev/reactbin/internal/settings"
)

// serve runs the service until ctx ends. Logs go to stdout.
func serve(ctx context.Context, env func(string) (string, bool), stdout io.Writer) error {
	var level slog.LevelVar // info, until the settings say otherwise
	log := slog.New(slog.NewJSONHandler(stdout, &slog.HandlerOptions{Level: &level}))

	s, err := settings.Load(env)
	var problems settings.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			log.Error("Invalid setting", "variable", p.Variable, "seen", p.Seen, "expected", p.Expected)
		}
		return err
	}
	level.Set(s.LogLevel)

	err = listenAndRun(ctx, s, log)
	if err != nil {
		log.Error("Ended with an error", "error", err.Error())
	}
	return err
}

func listenAndRun(ctx context.Context, s settings.Settings, log *slog.Logger) error {
	running, err := service.New(s, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", ":"+strconv.Itoa(s.Port))
	if err != nil {
		return err // net's error names the address and the cause
	}
	return running.Run(ctx, listener)
}

package service

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"podproof.dev/reactbin/internal/server"
)

// answering is a database that is always there.
type answering struct{}

func (answering) Ping(context.Context) error { return nil }
func (answering) Close()                     {}

// The one test on a real socket: net/http's own part in the shutdown is not faked here.
func TestARequestInFlightIsAnswered(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "whole")
	})
	log := slog.New(slog.DiscardHandler)
	front := newHTTP(handler, log)
	stopping := make(chan struct{})
	front.RegisterOnShutdown(func() { close(stopping) })
	s := Service{Log: log, Gate: &server.Gate{}, HTTP: front, Database: answering{}, Drain: front.WriteTimeout}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listener) }()

	answer := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		body, _ := io.ReadAll(response.Body)
		answer <- string(body)
	}()

	<-entered
	stop()
	<-stopping
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("the server still accepts connections")
	}
	select {
	case err := <-ended:
		t.Errorf("the service ended with %v while a request was in flight", err)
	default:
	}
	close(release)
	if got := <-answer; got != "whole" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

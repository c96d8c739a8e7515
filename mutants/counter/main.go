// Command counter is a service of several shapes, each good: an API that counts in Redis, or without
// it in memory, a worker that nobody can ask, and a server that speaks gRPC's health protocol alone.
//
//	counter serve [-once] [ADDRESS]   GET /healthz, /readyz and /hits, POST /echo
//	counter work [-deaf]      takes jobs from a list in Redis
//	counter grpc [ADDRESS]    gRPC's health protocol
//	counter check URL         exit 0 when the URL answers 200, for an exec probe
//
// REDIS is Redis' address, "redis:6379", and CACHE that of another one, which it can do without.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetOutput(os.Stdout)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		log.Print("counter: ", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to do: serve, work, grpc or check")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	deaf := flags.Bool("deaf", false, "take no SIGTERM")
	once := flags.Bool("once", false, "connect with Redis once, and never again")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	argument := flags.Arg(0)
	switch redis := os.Getenv("REDIS"); args[0] {
	case "serve":
		return serve(ctx, or(argument, ":8000"), newAPI(redis, os.Getenv("CACHE"), *once), nil)
	case "grpc":
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		return serve(ctx, or(argument, ":50051"), &health{}, protocols)
	case "work":
		if redis == "" {
			return errors.New("REDIS is not set: the address of the Redis that holds the jobs")
		}
		if *deaf {
			signal.Ignore(syscall.SIGTERM)
			ctx = context.Background()
		}
		return work(ctx, redis)
	case "check":
		return check(argument)
	}
	return fmt.Errorf("%q is nothing that it can do", args[0])
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// drainer is a handler that can say that it ends.
type drainer interface {
	http.Handler
	drain()
}

// serveOn is how long it goes on after SIGTERM, while the cluster learns that it ends.
const serveOn = 3 * time.Second

// serve serves until the context ends, and then finishes what was begun.
func serve(ctx context.Context, address string, h drainer, protocols *http.Protocols) error {
	s := &http.Server{Addr: address, Handler: h, Protocols: protocols, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.ListenAndServe() }()
	log.Print("serving on ", address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	h.drain()
	time.Sleep(serveOn)
	within, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err := s.Shutdown(within)
	log.Print("ended")
	return err
}

// check asks a URL, as an exec probe's client does.
func check(url string) error {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	return nil
}

package admission

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Path is where the webhook answers.
const Path = "/validate"

// Server serves a webhook.
type Server struct {
	Webhook     http.Handler
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Ready says why it is not to be asked yet.
	Ready func() error
	// Drain is how long it goes on after its context has ended: until then the API server may not know.
	Drain time.Duration
}

// shutdown is how long requests may take that were there at the end.
const shutdown = 20 * time.Second

// Serve serves until the context ends, and answers then what it was asked by then.
func (s Server) Serve(ctx context.Context, l net.Listener) error {
	var ending atomic.Bool
	mux := http.NewServeMux()
	mux.Handle("POST "+Path, s.Webhook)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		err := s.Ready()
		if err == nil && ending.Load() {
			err = errEnding
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{GetCertificate: s.Certificate, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)} // a probe that hangs up is no news
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(l, "", "") }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	ending.Store(true)
	select {
	case err := <-ended:
		return err
	case <-time.After(s.Drain):
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	return server.Shutdown(last)
}

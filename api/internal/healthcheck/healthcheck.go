// Package healthcheck asks a running service for its health. The image's HEALTHCHECK runs it:
// the image holds no shell and no curl.
package healthcheck

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Timeout bounds the whole question.
const Timeout = 2 * time.Second

// Run returns nil when the service on this port of this host is healthy.
func Run(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	target := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + "/api/v1/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	// A transport of its own: the default one would ask a proxy that the environment names.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err // net/http's error names the method and the URL
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s answered %s, expected 200", target, response.Status)
	}
	return nil
}

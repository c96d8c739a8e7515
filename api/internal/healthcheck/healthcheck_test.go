package healthcheck

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func portOf(t *testing.T, server *httptest.Server) int {
	t.Helper()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestOnly200IsHealthy(t *testing.T) {
	// A proxy in the environment must not be asked for this host.
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	for status, healthy := range map[int]bool{200: true, 204: false, 404: false, 503: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/v1/health" {
				t.Errorf("it asked for %s", r.URL.Path)
			}
			w.WriteHeader(status)
		}))
		err := Run(context.Background(), portOf(t, server))
		server.Close()
		if (err == nil) != healthy {
			t.Errorf("status %d: got error %v", status, err)
		}
		if err != nil && !strings.Contains(err.Error(), strconv.Itoa(status)) {
			t.Errorf("status %d is not in the error: %v", status, err)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	err := Run(context.Background(), 1) // tcpmux, which nobody has run for decades
	if err == nil || !strings.Contains(err.Error(), "/api/v1/health") {
		t.Errorf("got error %v", err)
	}
}

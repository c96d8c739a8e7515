//go:build integration

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"podproof.dev/reactbin/internal/service"
	"podproof.dev/reactbin/internal/settings"
)

// journal is a log that can be waited for.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{} // closed and replaced by each line
}

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.written)
	j.written = make(chan struct{})
	return j.text.Write(line)
}

func (j *journal) await(t *testing.T, part string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		j.mu.Lock()
		text, written := j.text.String(), j.written
		j.mu.Unlock()
		if strings.Contains(text, part) {
			return
		}
		select {
		case <-written:
		case <-timeout:
			t.Fatalf("%q did not appear in the log within a minute:\n%s", part, text)
		}
	}
}

// running is a service from its environment on, short of the process around it.
type running struct {
	log    *journal
	base   string
	stop   context.CancelFunc // what SIGTERM does
	result chan error
}

func start(t *testing.T, databaseURL string) *running {
	t.Helper()
	env := map[string]string{
		"JWT_SECRET_KEY":       strings.Repeat("k", 32),
		"OWNER_USERNAME":       "owner",
		"OWNER_PASSWORD":       "CANARY-password",
		"DATABASE_URL":         databaseURL,
		"S3_ENDPOINT_URL":      "http://s3:9000",
		"S3_BUCKET_NAME":       "bucket",
		"S3_ACCESS_KEY_ID":     "ID",
		"S3_SECRET_ACCESS_KEY": "CANARY-secret",
		"S3_REGION":            "eu",
		"SHUTDOWN_DELAY":       "100ms",
	}
	s, err := settings.Load(func(name string) (string, bool) {
		value, set := env[name]
		return value, set
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &running{log: &journal{written: make(chan struct{})}, result: make(chan error, 1)}
	running, err := service.New(s, slog.New(slog.NewJSONHandler(r.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.base = "http://" + listener.Addr().String() + "/api/v1"
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	t.Cleanup(stop)
	go func() { r.result <- running.Run(ctx, listener) }()
	return r
}

// call sends a request and returns the status. The answer's JSON goes into into, unless nil.
func (r *running) call(t *testing.T, method, path, token, contentType, body string, into any) int {
	t.Helper()
	request, err := http.NewRequest(method, r.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatalf("%s %s answered %s: %v: %s", method, path, response.Status, err, text)
		}
	}
	return response.StatusCode
}

func (r *running) get(t *testing.T, path string) int {
	t.Helper()
	return r.call(t, "GET", path, "", "", "", nil)
}

func TestFromStartToSIGTERM(t *testing.T) {
	r := start(t, strings.Replace(databaseURL(t), "postgresql://", "postgresql+asyncpg://", 1))
	r.log.await(t, "Started server")
	r.log.await(t, "Application startup complete")
	for _, path := range []string{"/health", "/ready"} {
		if got := r.get(t, path); got != 200 {
			t.Errorf("GET %s answered %d", path, got)
		}
	}

	var login struct {
		Token string `json:"access_token"`
	}
	form := url.Values{"username": {"owner"}, "password": {"CANARY-password"}}.Encode()
	if got := r.call(t, "POST", "/auth/token", "", "application/x-www-form-urlencoded", form, &login); got != 200 {
		t.Fatalf("the login answered %d", got)
	}
	var created, read struct {
		ID     string
		Name   string
		Upload struct{ URL string }
		Image  struct{ URL string }
	}
	draft := `{"name": "party cat", "tags": ["cat"], "content_type": "image/gif"}`
	if got := r.call(t, "POST", "/reactions", login.Token, "application/json", draft, &created); got != 201 {
		t.Fatalf("creating answered %d", got)
	}
	if got := r.call(t, "GET", "/reactions/"+created.ID, "", "", "", &read); got != 200 || read.Name != "party cat" {
		t.Errorf("reading it answered %d, %+v", got, read)
	}
	if !strings.Contains(created.Upload.URL, created.ID) || !strings.Contains(read.Image.URL, created.ID) {
		t.Errorf("the URLs are %s and %s", created.Upload.URL, read.Image.URL)
	}
	var list struct{ Items []struct{ ID string } }
	if got := r.call(t, "GET", "/reactions?tag=cat", "", "", "", &list); got != 200 || len(list.Items) != 1 {
		t.Errorf("the list answered %d, %+v", got, list)
	}

	r.stop()
	if err := <-r.result; err != nil {
		t.Error(err)
	}
	r.log.await(t, "Shutdown complete")
	if text := r.log.text.String(); strings.Contains(text, "CANARY") || strings.Contains(text, login.Token) {
		t.Errorf("a secret is in the log:\n%s", text)
	}
}

func TestTheServiceOutlivesItsDatabase(t *testing.T) {
	relay, through := newRelay(t, databaseURL(t))
	relay.allow(false)
	r := start(t, through)
	r.log.await(t, "Waiting for the database")
	if health, ready := r.get(t, "/health"), r.get(t, "/ready"); health != 200 || ready != 503 {
		t.Errorf("without a database: health %d, ready %d", health, ready)
	}
	relay.allow(true)
	r.log.await(t, "Application startup complete")

	relay.freeze()
	if health, ready := r.get(t, "/health"), r.get(t, "/ready"); health != 200 || ready != 503 {
		t.Errorf("with a frozen database: health %d, ready %d", health, ready)
	}
	// With everything frozen, SIGTERM still ends the process well.
	r.stop()
	if err := <-r.result; err != nil {
		t.Error(err)
	}
	r.log.await(t, "Shutdown complete")
}

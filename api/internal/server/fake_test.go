package server

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"podproof.dev/reactbin/internal/auth"
	"podproof.dev/reactbin/internal/store"
	"podproof.dev/reactbin/internal/upload"
)

// memory is a Database in memory. With an error set, everything fails with it;
// frozen, nothing answers before the context ends.
type memory struct {
	rows   []store.Reaction // newest first
	err    error
	frozen bool
}

func (m *memory) Ping(ctx context.Context) error {
	if m.frozen {
		<-ctx.Done()
		return ctx.Err()
	}
	return m.err
}

func (m *memory) Create(ctx context.Context, name string, tags []string, contentType string) (store.Reaction, error) {
	if err := m.Ping(ctx); err != nil {
		return store.Reaction{}, err
	}
	id, err := uuid.NewV7()
	row := store.Reaction{ID: id, Name: name, Tags: tags, ContentType: contentType}
	m.rows = append([]store.Reaction{row}, m.rows...)
	return row, err
}

func (m *memory) Get(ctx context.Context, id uuid.UUID) (store.Reaction, error) {
	if err := m.Ping(ctx); err != nil {
		return store.Reaction{}, err
	}
	for _, row := range m.rows {
		if row.ID == id {
			return row, nil
		}
	}
	return store.Reaction{}, store.ErrNotFound
}

func (m *memory) List(ctx context.Context, page store.Page) ([]store.Reaction, error) {
	if err := m.Ping(ctx); err != nil {
		return nil, err
	}
	var rows []store.Reaction
	begun := page.Before == uuid.Nil
	for _, row := range m.rows {
		if begun && len(rows) < page.Limit {
			rows = append(rows, row)
		}
		begun = begun || row.ID == page.Before
	}
	return rows, nil
}

// api is a server on a database in memory, which is open for traffic.
type api struct {
	*Server
	memory  *memory
	log     *bytes.Buffer
	handler http.Handler
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{memory: &memory{}, log: &bytes.Buffer{}}
	a.Server = &Server{
		Log:      slog.New(slog.NewJSONHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Gate:     &Gate{},
		Database: a.memory,
		Owner:    auth.Owner{Username: "owner", Password: "CANARY-password", Key: []byte(strings.Repeat("k", 32)), Now: time.Now},
		Bucket: upload.Bucket{
			Endpoint: &url.URL{Scheme: "http", Host: "s3:9000"}, Name: "bucket", Region: "eu",
			AccessKeyID: "ID", SecretAccessKey: "CANARY-secret",
		},
	}
	a.Gate.Open()
	a.handler = a.Handler()
	return a
}

// do sends a request; headers are pairs of name and value.
func (a *api) do(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, request)
	return recorder
}

func (a *api) bearer(t *testing.T) string {
	t.Helper()
	token, err := a.Owner.Token()
	if err != nil {
		t.Fatal(err)
	}
	return "Bearer " + token
}

// create posts a reaction as the owner.
func (a *api) create(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	return a.do("POST", "/api/v1/reactions", body, "Authorization", a.bearer(t), "Content-Type", jsonType)
}

func expectStatus(t *testing.T, got *httptest.ResponseRecorder, status int) {
	t.Helper()
	if got.Code != status {
		t.Fatalf("got %d, expected %d; body: %s", got.Code, status, got.Body)
	}
	if status >= 400 && got.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("the error's content type is %q", got.Header().Get("Content-Type"))
	}
}

func expectBody(t *testing.T, got *httptest.ResponseRecorder, part string) {
	t.Helper()
	if !strings.Contains(got.Body.String(), part) {
		t.Errorf("%q is not in the body: %s", part, got.Body)
	}
}

//go:build integration

// Package integration tries the service against a real Postgres, which TEST_DATABASE_URL names.
// Every test works in a schema of its own, so that they can share a database.
package integration

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"podproof.dev/reactbin/internal/store"
)

const variable = "TEST_DATABASE_URL"

func TestMain(m *testing.M) {
	if os.Getenv(variable) == "" {
		fmt.Fprintln(os.Stderr, variable+" is not set, expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE of a Postgres"+
			" for these tests; `make test-integration` starts one and sets it")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// databaseURL names the test's own schema, which exists and is empty.
func databaseURL(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(os.Getenv(variable))
	if err != nil {
		t.Fatalf("%s is not a URL", variable)
	}
	schema := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	execute(t, u.String(), "CREATE SCHEMA "+schema)
	t.Cleanup(func() { execute(t, u.String(), "DROP SCHEMA "+schema+" CASCADE") })
	query := u.Query()
	query.Set("search_path", schema)
	u.RawQuery = query.Encode()
	return u.String()
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatalf("connecting to %s: %s", variable, store.Reason(err))
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	if _, err := connect(t, url).Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

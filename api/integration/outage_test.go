//go:build integration

package integration

import (
	"context"
	"testing"
	"time"

	"podproof.dev/reactbin/internal/store"
)

// ping asks as the readiness probe does.
func ping(s *store.Store) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return s.Ping(ctx)
}

// awaitPing asks until the answer is good. A pool has to throw away each dead connection first.
func awaitPing(t *testing.T, s *store.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ping(s) != nil {
		if ctx.Err() != nil {
			t.Fatal("the pool did not recover within a minute")
		}
	}
}

func TestThePoolRecoversFromARestartOfPostgres(t *testing.T) {
	r, url := newRelay(t, databaseURL(t))
	s := open(t, url)
	awaitPing(t, s)
	r.allow(false)
	r.cut()
	if ping(s) == nil {
		t.Error("the ping was answered while Postgres was away")
	}
	r.allow(true)
	awaitPing(t, s)
}

func TestThePoolRecoversFromAFrozenPostgres(t *testing.T) {
	r, url := newRelay(t, databaseURL(t))
	s := open(t, url)
	awaitPing(t, s)
	r.freeze()
	err := ping(s)
	if err == nil || !store.Unavailable(err) {
		t.Errorf("while Postgres was frozen: got error %v", err)
	}
	if got := store.Reason(err); got != "no answer in time" {
		t.Errorf("the reason is %q", got)
	}
	r.thaw()
	awaitPing(t, s)
}

// A Postgres on an emptyDir comes back without its tables.
func TestTheSchemaComesBackWithAnEmptyPostgres(t *testing.T) {
	direct := databaseURL(t)
	r, url := newRelay(t, direct)
	s := open(t, url)
	if _, err := s.Create(context.Background(), "cat", []string{}, "image/gif"); err != nil {
		t.Fatal(err)
	}
	execute(t, direct, "DROP TABLE reactions")
	r.cut()
	awaitPing(t, s)
	rows, err := s.List(context.Background(), store.Page{Limit: 1})
	if err != nil || len(rows) != 0 {
		t.Errorf("got %v, error %v, expected an empty list", rows, err)
	}
}

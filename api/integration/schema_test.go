//go:build integration

package integration

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"podproof.dev/reactbin/internal/store"
)

// Replicas of the first rollout find an empty database at the same time.
func TestTheSchemaIsCreatedByManyAtOnce(t *testing.T) {
	url := databaseURL(t)
	var conns []*pgx.Conn
	for range 8 {
		conns = append(conns, connect(t, url))
	}
	for round := range 2 { // the second finds it complete
		var all sync.WaitGroup
		for _, conn := range conns {
			all.Go(func() {
				if err := store.EnsureSchema(context.Background(), conn); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		all.Wait()
	}
	var tables int
	err := conns[0].QueryRow(context.Background(),
		"SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()").Scan(&tables)
	if err != nil || tables != 1 {
		t.Errorf("there are %d tables, error %v, expected 1 table", tables, err)
	}
}

func TestWhatIsStoredSurvivesTheNextStart(t *testing.T) {
	url := databaseURL(t)
	created, err := open(t, url).Create(context.Background(), "cat", []string{}, "image/gif")
	if err != nil {
		t.Fatal(err)
	}
	got, err := open(t, url).Get(context.Background(), created.ID)
	if err != nil || got.Name != "cat" {
		t.Errorf("got %+v, error %v", got, err)
	}
}

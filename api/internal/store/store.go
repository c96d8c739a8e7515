// Package store keeps reactions in Postgres.
package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// connectTimeout bounds one connection attempt, schema included. The pool connects in
	// the background, so that no request's deadline does.
	connectTimeout = 3 * time.Second
	// pingTimeout is how long a pooled connection may take to prove that it is alive.
	// It is short, since after a network partition several are dead at once.
	pingTimeout = 300 * time.Millisecond
	maxConns    = 10
)

// Store is a pool of connections. It is usable before Postgres is there, and again after
// Postgres was away.
type Store struct {
	pool *pgxpool.Pool
}

// Open makes the pool, and connects to nothing yet.
//
// Each new connection makes sure that the schema is there. So creating it at the first start
// and creating it again, when Postgres comes back with an empty volume, are one path.
func Open(config *pgxpool.Config) (*Store, error) {
	config = config.Copy()
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.PingTimeout = pingTimeout
	config.MaxConns = maxConns
	config.MaxConnIdleTime = 5 * time.Minute
	config.HealthCheckPeriod = 15 * time.Second
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		return EnsureSchema(ctx, conn)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, fmt.Errorf("making the connection pool: %w", err)
	}
	return &Store{pool: pool}, nil
}

// Ping returns nil when Postgres answers and the schema is there.
func (s *Store) Ping(ctx context.Context) error {
	return s.pool.Ping(ctx)
}

// Close ends all connections. It waits for those in use, however long that takes.
func (s *Store) Close() {
	s.pool.Close()
}

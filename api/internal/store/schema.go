package store

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed schema.sql
var schema string

// schemaLock is the key of the advisory lock that serializes changes of the schema.
// Any number does, as long as every replica uses the same one.
const schemaLock = 0x7265616374 // "react"

// EnsureSchema creates what is missing of the schema. It costs one query when nothing is.
// Replicas that start at the same time wait for each other: IF NOT EXISTS alone is not
// safe against a second session that creates the same table.
func EnsureSchema(ctx context.Context, conn *pgx.Conn) error {
	var complete bool
	// The index is created last, so that it stands for the whole.
	err := conn.QueryRow(ctx, "SELECT to_regclass('reactions_tags') IS NOT NULL").Scan(&complete)
	if err != nil {
		return fmt.Errorf("looking for the schema: %w", err)
	}
	if complete {
		return nil
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(schemaLock)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, schema)
		return err
	})
	if err != nil {
		return fmt.Errorf("creating the schema: %w", err)
	}
	return nil
}

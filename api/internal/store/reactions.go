package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrNotFound means that there is no such reaction.
var ErrNotFound = errors.New("no such reaction")

// Reaction is one image of the bin. The image itself is in S3, under Key.
type Reaction struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	Tags        []string  `json:"tags"`
	ContentType string    `json:"content_type"`
	CreatedAt   time.Time `json:"created_at"`
}

// Key is the object's name in the bucket.
func (r Reaction) Key() string { return "reactions/" + r.ID.String() }

// Page is a part of the list, newest first.
type Page struct {
	Before uuid.UUID // only reactions older than this one; uuid.Nil begins with the newest
	Tag    string    // only reactions with this tag; empty means all
	Limit  int
}

const columns = "id, name, tags, content_type, created_at"

// Create stores a reaction and returns it with its ID and time.
func (s *Store) Create(ctx context.Context, name string, tags []string, contentType string) (Reaction, error) {
	// Version 7 begins with the time, so that the primary key is also the order of the list.
	id, err := uuid.NewV7()
	if err != nil {
		return Reaction{}, err
	}
	rows, err := s.pool.Query(ctx,
		"INSERT INTO reactions (id, name, tags, content_type) VALUES ($1, $2, $3, $4) RETURNING "+columns,
		id, name, tags, contentType)
	if err != nil {
		return Reaction{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Reaction])
}

// Get returns ErrNotFound when there is no reaction with this ID.
func (s *Store) Get(ctx context.Context, id uuid.UUID) (Reaction, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+columns+" FROM reactions WHERE id = $1", id)
	if err != nil {
		return Reaction{}, err
	}
	reaction, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Reaction])
	if errors.Is(err, pgx.ErrNoRows) {
		return Reaction{}, ErrNotFound
	}
	return reaction, err
}

// List returns at most page.Limit reactions.
func (s *Store) List(ctx context.Context, page Page) ([]Reaction, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+columns+` FROM reactions
		WHERE ($1 OR id < $2) AND ($3 = '' OR tags @> ARRAY[$3])
		ORDER BY id DESC LIMIT $4`,
		page.Before == uuid.Nil, page.Before, page.Tag, page.Limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Reaction])
}

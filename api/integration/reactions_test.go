//go:build integration

package integration

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/uuid"

	"podproof.dev/reactbin/internal/store"
)

func TestCreateGetList(t *testing.T) {
	ctx := context.Background()
	s := open(t, databaseURL(t))

	var created []store.Reaction // newest first
	for _, r := range []struct {
		name string
		tags []string
	}{{"one", []string{}}, {"two", []string{"a", "b"}}, {"Robert'); --", []string{"b"}}} {
		row, err := s.Create(ctx, r.name, r.tags, "image/png")
		if err != nil {
			t.Fatal(err)
		}
		if row.ID == uuid.Nil || row.CreatedAt.IsZero() || row.Name != r.name || !reflect.DeepEqual(row.Tags, r.tags) {
			t.Errorf("created %+v from %+v", row, r)
		}
		created = append([]store.Reaction{row}, created...)
	}

	for _, row := range created {
		if got, err := s.Get(ctx, row.ID); err != nil || !reflect.DeepEqual(got, row) {
			t.Errorf("got %+v, error %v, expected %+v", got, err, row)
		}
	}
	if _, err := s.Get(ctx, uuid.New()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown ID: got error %v", err)
	}

	for name, c := range map[string]struct {
		page     store.Page
		expected []store.Reaction
	}{
		"all":         {store.Page{Limit: 10}, created},
		"first":       {store.Page{Limit: 2}, created[:2]},
		"rest":        {store.Page{Limit: 2, Before: created[1].ID}, created[2:]},
		"tag":         {store.Page{Limit: 10, Tag: "b"}, created[:2]},
		"tag, rest":   {store.Page{Limit: 10, Tag: "b", Before: created[0].ID}, created[1:2]},
		"unknown tag": {store.Page{Limit: 10, Tag: "c"}, nil},
	} {
		got, err := s.List(ctx, c.page)
		if err != nil || len(got) != len(c.expected) || len(got) > 0 && !reflect.DeepEqual(got, c.expected) {
			t.Errorf("%s: got %+v, error %v, expected %+v", name, got, err, c.expected)
		}
	}
}

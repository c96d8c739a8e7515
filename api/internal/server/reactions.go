package server

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"podproof.dev/reactbin/internal/store"
	"podproof.dev/reactbin/internal/upload"
)

const (
	defaultLimit = 50
	maxLimit     = 200
)

type withUpload struct {
	store.Reaction
	Upload upload.Presigned `json:"upload"`
}

type withImage struct {
	store.Reaction
	Image upload.Presigned `json:"image"`
}

type listing struct {
	Items []store.Reaction `json:"items"`
	Next  *uuid.UUID       `json:"next"` // the value of `before` for the next page; null on the last
}

// create stores the reaction and says where its image is to be uploaded.
func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var d draft
	if !decode(w, r, &d) {
		return
	}
	if wrong := d.normalize(); wrong != "" {
		fail(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	reaction, err := s.Database.Create(r.Context(), d.Name, d.Tags, d.ContentType)
	if err != nil {
		s.failStore(w, r, err)
		return
	}
	w.Header().Set("Location", "/api/v1/reactions/"+reaction.ID.String())
	reply(w, http.StatusCreated, withUpload{reaction, s.Bucket.Put(reaction.Key(), reaction.ContentType)})
}

// get returns one reaction and where its image can be fetched.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		notFound(w, r)
		return
	}
	reaction, err := s.Database.Get(r.Context(), id)
	if err != nil {
		s.failStore(w, r, err)
		return
	}
	reply(w, http.StatusOK, withImage{reaction, s.Bucket.Get(reaction.Key())})
}

// list returns reactions, newest first: ?tag=TAG&limit=N&before=ID.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	page := store.Page{Tag: query.Get("tag"), Limit: defaultLimit}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxLimit {
			fail(w, http.StatusUnprocessableEntity, "limit must be a number from 1 to "+strconv.Itoa(maxLimit))
			return
		}
		page.Limit = limit
	}
	if text := query.Get("before"); text != "" {
		before, err := uuid.Parse(text)
		if err != nil {
			fail(w, http.StatusUnprocessableEntity, "before must be the ID of a reaction")
			return
		}
		page.Before = before
	}

	limit := page.Limit
	page.Limit++ // one more tells whether there is a next page
	items, err := s.Database.List(r.Context(), page)
	if err != nil {
		s.failStore(w, r, err)
		return
	}
	result := listing{Items: items}
	if len(items) > limit {
		result.Items = items[:limit]
		result.Next = &result.Items[limit-1].ID
	}
	if result.Items == nil {
		result.Items = []store.Reaction{}
	}
	reply(w, http.StatusOK, result)
}

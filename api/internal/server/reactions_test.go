package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestCreateAndGet(t *testing.T) {
	a := newAPI(t)
	got := a.create(t, `{"name": " party cat ", "tags": ["Party", "cat", " party"], "content_type": "image/gif"}`)
	expectStatus(t, got, 201)
	var created withUpload
	if err := json.Unmarshal(got.Body.Bytes(), &created); err != nil {
		t.Fatal(err)
	}
	if created.Name != "party cat" || !slices.Equal(created.Tags, []string{"cat", "party"}) {
		t.Errorf("got %+v", created.Reaction)
	}
	path := "/bucket/reactions/" + created.ID.String() + "?"
	if u := created.Upload; u.Method != "PUT" || u.Headers["Content-Type"] != "image/gif" || !strings.Contains(u.URL, path) {
		t.Errorf("got upload %+v", u)
	}

	got = a.do("GET", got.Header().Get("Location"), "")
	expectStatus(t, got, 200)
	var read withImage
	if err := json.Unmarshal(got.Body.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.ID != created.ID || read.Image.Method != "GET" || !strings.Contains(read.Image.URL, path) {
		t.Errorf("got %+v", read)
	}
}

func TestInvalidDrafts(t *testing.T) {
	for name, c := range map[string]struct{ body, part string }{
		"no name":          {`{"content_type": "image/gif"}`, "name must"},
		"blank name":       {`{"name": " ", "content_type": "image/gif"}`, "name must"},
		"long name":        {`{"name": "` + strings.Repeat("é", maxName+1) + `", "content_type": "image/gif"}`, "name must"},
		"NUL in the name":  {`{"name": "a\u0000b", "content_type": "image/gif"}`, "name must"},
		"line in the name": {`{"name": "a\nb", "content_type": "image/gif"}`, "name must"},
		"no type":          {`{"name": "a"}`, "content_type must"},
		"other type":       {`{"name": "a", "content_type": "text/html"}`, "content_type must"},
		"empty tag":        {`{"name": "a", "tags": [""], "content_type": "image/gif"}`, "each of tags"},
		"long tag":         {`{"name": "a", "tags": ["` + strings.Repeat("x", maxTag+1) + `"], "content_type": "image/gif"}`, "each of tags"},
		"many tags":        {`{"name": "a", "tags": ["a"` + strings.Repeat(`,"a"`, maxTags) + `], "content_type": "image/gif"}`, "tags must"},
	} {
		t.Run(name, func(t *testing.T) {
			got := newAPI(t).create(t, c.body)
			expectStatus(t, got, 422)
			expectBody(t, got, c.part)
		})
	}
	longest := `{"name": "` + strings.Repeat("é", maxName) + `", "content_type": "image/gif"}`
	expectStatus(t, newAPI(t).create(t, longest), 201)
}

func TestListInPages(t *testing.T) {
	a := newAPI(t)
	for i := range 5 {
		expectStatus(t, a.create(t, fmt.Sprintf(`{"name": "%d", "content_type": "image/png"}`, i)), 201)
	}
	var names []string
	before := ""
	for pages := 1; ; pages++ {
		got := a.do("GET", "/api/v1/reactions?limit=2"+before, "")
		expectStatus(t, got, 200)
		var page listing
		if err := json.Unmarshal(got.Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			names = append(names, item.Name)
		}
		if page.Next == nil {
			if pages != 3 {
				t.Errorf("it took %d pages, expected 3", pages)
			}
			break
		}
		before = "&before=" + page.Next.String()
	}
	if got := strings.Join(names, ""); got != "43210" {
		t.Errorf("got the order %s, expected the newest first", got)
	}
}

func TestAnEmptyListIsAList(t *testing.T) {
	got := newAPI(t).do("GET", "/api/v1/reactions", "")
	expectStatus(t, got, 200)
	expectBody(t, got, `{"items":[],"next":null}`)
}

func TestListRefusesWrongQueries(t *testing.T) {
	for _, query := range []string{"limit=0", "limit=201", "limit=x", "limit=-1", "before=x"} {
		expectStatus(t, newAPI(t).do("GET", "/api/v1/reactions?"+query, ""), 422)
	}
}

func TestGetUnknown(t *testing.T) {
	a := newAPI(t)
	expectStatus(t, a.do("GET", "/api/v1/reactions/01a20c1f-cf4d-7f18-ba80-e8ca67903240", ""), 404)
	expectStatus(t, a.do("GET", "/api/v1/reactions/1", ""), 404)
}

func TestDatabaseErrorsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"no connection":  {errors.New("dial CANARY-host: refused"), 503},
		"wrong password": {&pgconn.PgError{Code: "28P01", Message: "for user CANARY-user"}, 503},
		"stopping":       {&pgconn.PgError{Code: "57P01", Message: "CANARY-server stops"}, 503},
		"broken query":   {&pgconn.PgError{Code: "42601", Message: "near CANARY-column"}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			a.memory.err = c.err
			got := a.do("GET", "/api/v1/reactions", "")
			expectStatus(t, got, c.status)
			if strings.Contains(got.Body.String()+a.log.String(), "CANARY") {
				t.Errorf("the error's text went out: %s %s", got.Body, a.log)
			}
			if !strings.Contains(a.log.String(), "Database failed") {
				t.Errorf("the error is not in the log: %s", a.log)
			}
		})
	}
}

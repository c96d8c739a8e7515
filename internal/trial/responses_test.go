package trial

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
)

func TestEachKnownRouteIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{})
		b := k.bench(template())
		k.start(b, "api-1")
		b.Asked.Ready.Port = 9000
		b.Asked.Query, b.Asked.Upload = &Route{Method: "GET", Path: "/items", Header: map[string]string{"Authorization": "Bearer x"}}, upload
		b.agent = answers(func(s agent.Stream, at time.Time) evidence.Request {
			r := fine(s, at)
			r.Body = s.Method + " " + s.Path + " " + s.Body + s.Header["Authorization"]
			return r
		}).attach
		ask := func() []string {
			t.Helper()
			rs, err := askRoutes(t.Context(), b.as(t, Responses))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rs {
				if !strings.HasPrefix(r.Request.Body, r.Method+" "+r.Path) {
					t.Errorf("%s %s has the answer of %s", r.Method, r.Path, r.Request.Body)
				}
				got = append(got, fmt.Sprintf("%s: %s %d", r.Name, strings.TrimSpace(r.Request.Body), r.Port))
			}
			return got
		}
		want := []string{"health: GET /health 8000", "ready: GET /ready 9000", "not found: GET /podproof/r1 8000", "not allowed: DELETE /health 8000",
			"query: GET /items Bearer x 8000", "upload: POST /items {} 8000", "malformed upload: POST /items {podproof 8000"}
		if diff := cmp.Diff(want, ask()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if b.Asked.Upload.Body != "{}" {
			t.Error("the contract's own upload was changed")
		}
		b.Asked.Query, b.Asked.Upload, b.Asked.Load.Protocol = nil, nil, "grpc"
		if got := ask(); !slices.Equal(got, want[:2]) {
			t.Errorf("of gRPC: %q", got)
		}
		k.ready("api-1", false)
		time.Sleep(time.Second)
		if _, err := askRoutes(t.Context(), b.as(t, Responses)); err == nil || !strings.Contains(err.Error(), "no pod of deployment/api is Ready") {
			t.Errorf("got %v", err)
		}
	})
}

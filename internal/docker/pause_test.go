package docker

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A container is paused and resumed, and what its processes hold is told for both versions of control groups.
func TestPausing(t *testing.T) {
	clean(t)
	var done []string
	m := http.NewServeMux()
	m.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Api-Version", "1.41") })
	for _, what := range []string{"pause", "unpause"} {
		m.HandleFunc("POST /v1.41/containers/c1/"+what, func(w http.ResponseWriter, _ *http.Request) {
			done = append(done, what)
			w.WriteHeader(http.StatusNoContent)
		})
	}
	for name, stats := range map[string]string{
		"c1":   `{"usage": 900, "stats": {"total_rss": 487, "total_inactive_file": 181}}`,
		"c2":   `{"usage": 900, "stats": {"anon": 488, "inactive_file": 181}}`,
		"bare": `{"usage": 900}`,
	} {
		m.HandleFunc("/v1.41/containers/"+name+"/stats", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("stream") != "false" {
				http.Error(w, `{"message":"a stream never ends"}`, http.StatusBadRequest)
				return
			}
			fmt.Fprintf(w, `{"memory_stats": %s}`, stats)
		})
	}
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
	})
	t.Setenv("DOCKER_HOST", "unix://"+engine(t, m))
	e := connect(t)
	if err := e.Pause(t.Context(), "c1"); err != nil {
		t.Error(err)
	}
	if err := e.Unpause(t.Context(), "c1"); err != nil {
		t.Error(err)
	}
	if got := strings.Join(done, " "); got != "pause unpause" {
		t.Errorf("done was %q", got)
	}
	for name, want := range map[string]int64{"c1": 487, "c2": 488, "bare": 900} {
		if got, err := e.Memory(t.Context(), name); got != want || err != nil {
			t.Errorf("%s holds %d, want %d (%v)", name, got, want, err)
		}
	}
	for what, err := range map[string]error{"docker pause": e.Pause(t.Context(), "c9"), "docker unpause": e.Unpause(t.Context(), "c9")} {
		if err == nil || !strings.Contains(err.Error(), "("+what+")") {
			t.Errorf("%s of none: %v", what, err)
		}
	}
	if _, err := e.Memory(t.Context(), "c9"); err == nil {
		t.Error("one that is not there holds something")
	}
}

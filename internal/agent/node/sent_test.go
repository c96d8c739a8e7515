package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const stopped = `time="2026-11-24T16:19:17.844519225Z" level=info msg="Stop container \"` + id + `\" with signal terminated"`

func TestSent(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	program(t, "journalctl", `[ "$*" = "-q -u containerd -o cat --no-pager --since @1795537157" ] || exit 7; cat '`+log+`'`)
	said := `level=info msg="Stop container \"` + other + `\" with signal terminated"` + "\n" +
		`level=info msg="StopContainer for \"` + id + `\" with timeout 30 (s)"` + "\n"
	for name, c := range map[string]struct {
		after time.Duration
		want  string
		took  time.Duration
	}{
		"soon":        {500 * time.Millisecond, stopped + "\n", 600 * time.Millisecond},
		"not in time": {time.Hour, "", 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.Remove(log); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			tr := plant(t)
			synctest.Test(t, func(t *testing.T) {
				tr := tree{tr.Host, t}
				began := time.Now()
				defer time.AfterFunc(c.after, func() { tr.write(filepath.Dir(log), "log", said+stopped+"\n"+stopped+" again\n") }).Stop()
				if got := tr.says("sent", id, "2", "1795537157"); got != c.want || time.Since(began) != c.took {
					t.Errorf("%q after %s, want %q after %s", got, time.Since(began), c.want, c.took)
				}
			})
		})
	}
}

// A node without a journal is not waited for.
func TestSentWithoutAJournal(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	tr := plant(t)
	if got := tr.says("sent", id, "600", "1795537157"); got != "" {
		t.Errorf("%q", got)
	}
	if _, err := tr.run("sent", id, "600", "yesterday"); err == nil || !strings.Contains(err.Error(), "yesterday") {
		t.Errorf("%v", err)
	}
}

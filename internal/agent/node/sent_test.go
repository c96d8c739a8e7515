package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const stopped = `time="2026-11-24T16:19:17.844519225Z" level=info msg="Stop container \"` + id + `\" with signal terminated"`

func TestSent(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	program(t, "journalctl", `[ "$*" = "-q -u containerd -o cat --no-pager -n all -f --since @1795537157" ] || exit 7; exec tail -n +1 -F '`+log+`' 2>/dev/null`)
	said := `level=info msg="Stop container \"` + other + `\" with signal terminated"` + "\n" +
		`level=info msg="StopContainer for \"` + id + `\" with timeout 30 (s)"` + "\n"
	tr := plant(t)
	tr.write(filepath.Dir(log), "log", said)
	if got := tr.says("sent", id, "1", "1795537157"); got != "" {
		t.Errorf("%q of what others were sent", got)
	}
	go func() {
		f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString(stopped + "\n" + stopped + " again\n")
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Error(err)
		}
	}()
	if got := tr.says("sent", id, "600", "1795537157"); got != stopped+"\n" {
		t.Errorf("%q, want %q", got, stopped)
	}
}

// A journal that cannot be read tells nothing.
func TestSentByABrokenJournal(t *testing.T) {
	program(t, "journalctl", "exit 1")
	tr := plant(t)
	if got := tr.says("sent", id, "600", "1795537157"); got != "" {
		t.Errorf("%q", got)
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

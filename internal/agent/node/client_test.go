package node

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// broken is a stream that nothing can be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the stream is broken") }

// What could not be asked is forgotten: nobody will answer it.
func TestWhatCouldNotBeAskedIsForgotten(t *testing.T) {
	from, to := io.Pipe()
	defer to.Close()
	c := NewClient(broken{}, from)
	if _, _, err := c.begin("facts", nil); err == nil || !strings.Contains(err.Error(), "asking the agent: the stream is broken") {
		t.Errorf("it says %v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.calls) > 0 {
		t.Errorf("%d calls wait for an answer", len(c.calls))
	}
}

func TestALogIsClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "0.log")
	if err := os.WriteFile(file, []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := openLog(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := f.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("reading gives %v", err)
	}
	logFile{}.Close() // of one that is not there
}

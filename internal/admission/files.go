package admission

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Files are a certificate and its key in files that somebody else renews, such as cert-manager.
type Files struct {
	Cert, Key string
	Log       *slog.Logger

	mu     sync.Mutex
	loaded tls.Certificate
	looked time.Time
	seen   [2]time.Time
	failed string
}

// lookEvery is how often the files are looked at, at most.
const lookEvery = 5 * time.Second

// Start reads the files.
func (f *Files) Start() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.look(time.Now())
}

// Certificate is for tls.Config: the one in the files, and the one before where they hold none just now.
func (f *Files) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= lookEvery {
		if err := f.look(now); err != nil && err.Error() != f.failed {
			f.failed = err.Error()
			f.Log.Error("the certificate could not be read again; the one before is used on", "error", err)
		}
	}
	c := f.loaded
	return &c, nil
}

func (f *Files) look(now time.Time) error {
	f.looked = now
	var changed [2]time.Time
	for i, file := range []string{f.Cert, f.Key} {
		about, err := os.Stat(file) // what a Secret's volume holds are links, which are followed
		if err != nil {
			return fmt.Errorf("reading the certificate: %w", err)
		}
		changed[i] = about.ModTime()
	}
	if changed == f.seen {
		return nil
	}
	c, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return fmt.Errorf("%s and %s are no certificate and its key: %w", f.Cert, f.Key, err)
	}
	f.loaded, f.seen, f.failed = c, changed, ""
	return nil
}

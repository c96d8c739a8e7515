package attest

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func signInput(s Signer) int {
	message, err := io.ReadAll(os.Stdin)
	if err != nil {
		return 1
	}
	sig, err := s.Sign(context.Background(), message)
	if err != nil {
		return 1
	}
	if _, err := os.Stdout.Write(sig); err != nil {
		return 1
	}
	return 0
}

// A signer that never ends is ended, with whatever it started.
func TestSignerThatHangs(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, context.DeadlineExceeded)
	defer cancel()
	began := time.Now()
	_, err := CommandSigner("sleep 60", nil).Sign(ctx, []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "the signer `sleep 60` did not end in time") || time.Since(began) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestSignerThatPrintsWithoutEnd(t *testing.T) {
	_, err := CommandSigner("head -c 100000 /dev/zero", nil).Sign(t.Context(), []byte("x"))
	if err == nil || !strings.Contains(err.Error(), "printed more than") {
		t.Error(err)
	}
}

package agent

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// tcp is a connection over which nothing is said: that it was accepted is the answer.
type tcp struct{ *wire }

func (tcp) ask(_ context.Context, _ *exchange, o *evidence.Request, since func() float64) error {
	o.Answered, o.Status = since(), http.StatusOK
	return nil
}

func (t tcp) open() bool {
	if t.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	_, err := t.Read(make([]byte, 1))
	return err == nil || errors.Is(err, os.ErrDeadlineExceeded) // a server may greet
}

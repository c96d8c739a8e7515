package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"podproof.dev/podproof/internal/evidence"
)

func TestFailureOfAnError(t *testing.T) {
	told := &classed{errors.New("x"), evidence.FailureTLS}
	for _, c := range []struct {
		err  error
		want string
		gone bool
	}{
		{syscall.ECONNREFUSED, evidence.FailureRefused, false},
		{syscall.ECONNRESET, evidence.FailureReset, true},
		{syscall.EPIPE, evidence.FailureReset, true},
		{io.EOF, evidence.FailureClosed, true},
		{io.ErrUnexpectedEOF, evidence.FailureClosed, true},
		{http2Error{Code: refusedStream}, evidence.FailureClosed, true},
		{context.DeadlineExceeded, evidence.FailureTimeout, false},
		{context.Canceled, evidence.FailureTimeout, false},
		{&net.DNSError{IsTimeout: true}, evidence.FailureTimeout, false},
		{&net.DNSError{}, evidence.FailureOther, false},
		{syscall.EHOSTUNREACH, evidence.FailureUnreachable, false},
		{syscall.ENETUNREACH, evidence.FailureUnreachable, false},
		{told, evidence.FailureTLS, false},
		{&classed{io.EOF, evidence.FailureTLS}, evidence.FailureClosed, true}, // the cause tells more
		{errors.New("x"), evidence.FailureOther, false},
	} {
		wrapped := fmt.Errorf("asking: %w", c.err)
		if got := failure(wrapped); got != c.want || gone(wrapped) != c.gone {
			t.Errorf("%v: %s, the server is gone: %t", c.err, got, gone(wrapped))
		}
	}
}

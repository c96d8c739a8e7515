package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestReasonsTellNoPartOfTheURL(t *testing.T) {
	for reason, err := range map[string]error{
		"connection refused":                  &net.OpError{Op: "dial CANARY", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
		"the host name has no address":        &net.DNSError{Err: "no such host", Name: "CANARY"},
		"no answer in time":                   fmt.Errorf("CANARY: %w", context.DeadlineExceeded),
		"no longer waited for":                fmt.Errorf("CANARY: %w", context.Canceled),
		"the connection failed":               errors.New("CANARY"),
		"refused user or password (SQLSTATE":  &pgconn.PgError{Code: "28P01", Message: "CANARY"},
		"does not exist (SQLSTATE 3D000)":     &pgconn.PgError{Code: "3D000", Message: "CANARY"},
		"reported an error (SQLSTATE 42601)":  &pgconn.PgError{Code: "42601", Message: "CANARY"},
		"starting or stopping (SQLSTATE 57P0": &pgconn.PgError{Code: "57P03", Message: "CANARY"},
	} {
		got := Reason(fmt.Errorf("connecting to CANARY: %w", err))
		if !strings.Contains(got, reason) || strings.Contains(got, "CANARY") {
			t.Errorf("%v became %q, expected %q", err, got, reason)
		}
	}
}

package store

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// Reason says in a few words why Postgres did not answer. The errors themselves name user,
// host and database, which are parts of DATABASE_URL, so that they can't be logged or returned.
func Reason(err error) string {
	var (
		server *pgconn.PgError
		dns    *net.DNSError
		errno  syscall.Errno
	)
	switch {
	case errors.As(err, &server):
		return explain(server.Code) + " (SQLSTATE " + server.Code + ")"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "no longer waited for"
	case errors.As(err, &dns):
		return "the host name has no address"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return "the connection failed"
}

// Unavailable reports whether the database could not be asked, so that the same request
// may succeed later. Otherwise the database answered, and refused this one.
func Unavailable(err error) bool {
	var server *pgconn.PgError
	if !errors.As(err, &server) {
		return true
	}
	switch server.Code[:2] {
	case "08", "28", "3D", "53", "57": // connection, password, database, resources, shutdown
		return true
	}
	return false
}

// explain names the cases that a person can mend, by Postgres's table of error codes.
func explain(code string) string {
	switch {
	case strings.HasPrefix(code, "28"):
		return "the server refused user or password"
	case code == "3D000":
		return "the database does not exist"
	case code == "42501":
		return "the user has no right to do this"
	case code == "53300":
		return "the server has no connection left"
	case strings.HasPrefix(code, "57P"):
		return "the server is starting or stopping"
	}
	return "the server reported an error"
}

// Package settings reads what the service is told by its environment.
//
// It reports every wrong variable at once, and never a value or a part of one:
// most of them are secrets, and logs travel far.
package settings

import (
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"podproof.dev/reactbin/internal/upload"
)

// Settings is a valid environment. It holds secrets, so it is never logged.
type Settings struct {
	Port     int
	LogLevel slog.Level

	// ShutdownDelay is how long the service still serves after SIGTERM.
	// Endpoints and load balancers need that time to take the pod out.
	ShutdownDelay time.Duration
	// ShutdownTimeout is how long requests in flight may take to finish after that.
	ShutdownTimeout time.Duration

	JWTSecretKey  string
	OwnerUsername string
	OwnerPassword string
	Database      *pgxpool.Config
	Bucket        upload.Bucket
}

// Problem is one variable that keeps the service from starting.
type Problem struct {
	Variable string
	Seen     string // what is wrong, without the value
	Expected string
}

// Problems is every wrong variable, in the order of the documentation.
type Problems []Problem

// Error names each variable and what is expected of it.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Variable + " " + problem.Seen + ": expected " + problem.Expected
	}
	return strings.Join(lines, "; ")
}

// Load reads all variables through lookup, which is os.LookupEnv in the service.
// Its error is of type Problems.
func Load(lookup func(string) (string, bool)) (Settings, error) {
	var (
		settings Settings
		problems Problems
	)
	for _, v := range variables {
		if problem := v.load(&settings, lookup); problem != nil {
			problems = append(problems, *problem)
		}
	}
	if len(problems) > 0 {
		return Settings{}, problems
	}
	return settings, nil
}

// load stores the value, or says what is wrong with it.
func (v variable) load(s *Settings, lookup func(string) (string, bool)) *Problem {
	value, set := lookup(v.name)
	if !set {
		value = v.fallback
	}
	var seen string
	switch {
	case !set && v.fallback == "":
		seen = "is not set"
	case value == "":
		seen = "is empty"
	case strings.TrimSpace(value) != value:
		// Typical of a Secret that was made with `echo` instead of `printf`.
		seen = "begins or ends with white space"
	case !v.store(s, value):
		seen = "is malformed"
	default:
		return nil
	}
	return &Problem{Variable: v.name, Seen: seen, Expected: v.expected}
}

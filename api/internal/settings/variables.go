package settings

import (
	"strconv"
	"time"

	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// variable is one name of the environment. Without a fallback it is required.
type variable struct {
	name     string
	expected string
	fallback string
	store    func(*Settings, string) bool // false when the value is malformed
}

// minSecretKey is the size of HMAC-SHA-256's output in bytes, the least that RFC 7518
// section 3.2 allows for HS256.
const minSecretKey = 32

var port = variable{name: "PORT", expected: "a port from 1 to 65535", fallback: "8000", store: storePort}

var variables = []variable{
	{name: "JWT_SECRET_KEY", expected: "at least 32 bytes",
		store: func(s *Settings, v string) bool { s.JWTSecretKey = v; return len(v) >= minSecretKey }},
	{name: "OWNER_USERNAME", expected: "the name that the owner logs in with",
		store: func(s *Settings, v string) bool { s.OwnerUsername = v; return true }},
	{name: "OWNER_PASSWORD", expected: "the password that the owner logs in with",
		store: func(s *Settings, v string) bool { s.OwnerPassword = v; return true }},
	{name: "DATABASE_URL", expected: "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters percent-encoded" +
		" (postgres:// and postgresql+asyncpg:// are accepted too)",
		store: storeDatabase},
	{name: "S3_ENDPOINT_URL", expected: "http://HOST:PORT or https://HOST:PORT, without a path",
		store: storeEndpoint},
	{name: "S3_BUCKET_NAME", expected: "an S3 bucket name: 3 to 63 letters, digits, dots and hyphens",
		store: func(s *Settings, v string) bool {
			s.Bucket.Name = v
			return s3utils.CheckValidBucketName(v) == nil
		}},
	{name: "S3_ACCESS_KEY_ID", expected: "the ID of an S3 access key",
		store: func(s *Settings, v string) bool { s.Bucket.AccessKeyID = v; return isToken(v) }},
	{name: "S3_SECRET_ACCESS_KEY", expected: "the secret of that S3 access key",
		store: func(s *Settings, v string) bool { s.Bucket.SecretAccessKey = v; return true }},
	{name: "S3_REGION", expected: "an S3 region such as us-east-1",
		store: func(s *Settings, v string) bool { s.Bucket.Region = v; return isToken(v) }},

	port,
	{name: "SHUTDOWN_DELAY", expected: "a duration such as 3s", fallback: "3s",
		store: func(s *Settings, v string) bool { return storeDuration(&s.ShutdownDelay, v) }},
	{name: "SHUTDOWN_TIMEOUT", expected: "a duration such as 30s", fallback: "30s",
		store: func(s *Settings, v string) bool { return storeDuration(&s.ShutdownTimeout, v) }},
	{name: "LOG_LEVEL", expected: "debug, info, warn or error", fallback: "info",
		store: func(s *Settings, v string) bool { return s.LogLevel.UnmarshalText([]byte(v)) == nil }},
}

// Port reads PORT alone. The health check needs no more, and must not fail on the rest.
func Port(lookup func(string) (string, bool)) (int, error) {
	var s Settings
	if problem := port.load(&s, lookup); problem != nil {
		return 0, Problems{*problem}
	}
	return s.Port, nil
}

func storePort(s *Settings, value string) bool {
	port, err := strconv.Atoi(value)
	s.Port = port
	return err == nil && port >= 1 && port <= 65535
}

func storeDuration(to *time.Duration, value string) bool {
	d, err := time.ParseDuration(value)
	*to = d
	return err == nil && d >= 0
}

// isToken reports whether the value can stand between the slashes of an S3 credential scope.
func isToken(value string) bool {
	for _, r := range value {
		if r <= ' ' || r > '~' || r == '/' {
			return false
		}
	}
	return true
}

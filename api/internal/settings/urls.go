package settings

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/minio/minio-go/v7/pkg/s3utils"
)

// asyncpg is SQLAlchemy's scheme for a driver that names some parameters differently.
const asyncpg = "postgresql+asyncpg"

// storeDatabase reads DATABASE_URL. The parsers' errors quote their input, so they go no further.
func storeDatabase(s *Settings, value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.User.Username() == "" || strings.Trim(u.Path, "/") == "" {
		return false
	}
	switch u.Scheme {
	case "postgres", "postgresql":
	case asyncpg:
		u.Scheme = "postgresql"
		query := u.Query()
		if mode := query.Get("ssl"); mode != "" {
			// asyncpg calls `ssl` what libpq and pgx call `sslmode`.
			query.Del("ssl")
			query.Set("sslmode", mode)
			u.RawQuery = query.Encode()
		}
	default:
		return false
	}
	config, err := pgxpool.ParseConfig(u.String())
	s.Database = config
	return err == nil
}

// storeEndpoint reads S3_ENDPOINT_URL. The bucket goes into the path, so it must have none yet.
func storeEndpoint(s *Settings, value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return false
	}
	if !s3utils.IsValidIP(u.Hostname()) && !s3utils.IsValidDomain(u.Hostname()) {
		return false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return false
		}
	}
	u.Path = ""
	s.Bucket.Endpoint = u
	return true
}

// Package deps names what the service is built from, and nothing that it does.
//
// Dockerfile.prod compiles this package in the dependency layer, before the source is copied.
// A change of the source then compiles the service's own packages and links, no more.
// A test fails when the service imports a package that this one does not bring in.
package deps

import (
	_ "context"
	_ "crypto/sha256"
	_ "crypto/subtle"
	_ "embed"
	_ "encoding/json"
	_ "log/slog"
	_ "net/http"
	_ "os/signal"
	_ "runtime/debug"

	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/google/uuid"
	_ "github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/minio/minio-go/v7/pkg/s3utils"
	_ "github.com/minio/minio-go/v7/pkg/signer"
)

package build

import (
	"context"
	"fmt"

	"github.com/docker/cli/cli/config"
	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// registryLogin gives BuildKit what `docker login` left, when a base image asks for it.
type registryLogin struct{ auth.UnimplementedAuthServer }

// Docker Hub has one name in image references and another in the docker command's settings.
const (
	hubHost = "registry-1.docker.io"
	hubKey  = "https://index.docker.io/v1/"
)

// Register makes the engine find it in the session.
func (l registryLogin) Register(s *grpc.Server) { auth.RegisterAuthServer(s, l) }

// Credentials answers for one registry; without a login it is anonymous.
func (registryLogin) Credentials(_ context.Context, r *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	file, err := config.Load("")
	if err != nil {
		return nil, fmt.Errorf("reading the docker command's settings: %w", err)
	}
	host := r.Host
	if host == hubHost {
		host = hubKey
	}
	a, err := file.GetAuthConfig(host)
	if err != nil {
		return nil, fmt.Errorf("asking for the login of registry %s: %w; try `docker login %s`", r.Host, err, r.Host)
	}
	if a.IdentityToken != "" { // an OAuth token goes without a user
		return &auth.CredentialsResponse{Secret: a.IdentityToken}, nil
	}
	return &auth.CredentialsResponse{Username: a.Username, Secret: a.Password}, nil
}

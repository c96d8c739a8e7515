package docker

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/moby/moby/client"
)

// endpoint is where an engine is reached.
type endpoint struct {
	host string // as in DOCKER_HOST: "unix:///var/run/docker.sock"
	from string // where that comes from, for a person
	env  []string
	opts []client.Opt
}

// find looks where the docker command looks, in its order: DOCKER_HOST, DOCKER_CONTEXT,
// the context chosen with `docker context use`, the default socket. The command's own
// packages read the context, so that TLS and ssh:// work as they do there.
func find() (endpoint, error) {
	if host := os.Getenv(client.EnvOverrideHost); host != "" {
		return fixed(host, "DOCKER_HOST")
	}
	name, from := os.Getenv("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
	if name == "" {
		file, err := config.Load("")
		if err != nil {
			return endpoint{}, fmt.Errorf("reading the docker command's settings: %w; fix the file, or set DOCKER_HOST", err)
		}
		name, from = file.CurrentContext, "`docker context use`"
	}
	if name == "" || name == "default" {
		return fixed(client.DefaultDockerHost, "the default")
	}
	return named(name, from)
}

func fixed(host, from string) (endpoint, error) {
	ep := docker.Endpoint{EndpointMeta: docker.EndpointMeta{Host: host}}
	opts, err := ep.ClientOpts()
	if err != nil {
		return endpoint{}, fmt.Errorf("%s is %q, which is not the address of a Docker engine: %w", from, host, err)
	}
	if strings.HasPrefix(host, "tcp://") { // DOCKER_CERT_PATH means nothing to a socket or to ssh
		opts = append([]client.Opt{client.WithTLSClientConfigFromEnv()}, opts...)
	}
	return endpoint{host: host, from: from, opts: opts,
		env: []string{client.EnvOverrideHost + "=" + host}}, nil
}

func named(name, from string) (endpoint, error) {
	s := store.New(config.ContextStoreDir(), store.NewConfig(nil,
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} })))
	meta, err := s.GetMetadata(name)
	if err != nil {
		return endpoint{}, fmt.Errorf("%s names the context %q, which cannot be read: %w; `docker context ls` lists those that exist", from, name, err)
	}
	em, err := docker.EndpointFromContext(meta)
	if err != nil {
		return endpoint{}, fmt.Errorf("the docker context %q does not name an engine: %w; see `docker context inspect %s`", name, err, name)
	}
	ep, err := docker.WithTLSData(s, name, em)
	if err != nil {
		return endpoint{}, fmt.Errorf("reading the certificates of the docker context %q: %w", name, err)
	}
	opts, err := ep.ClientOpts()
	if err != nil {
		return endpoint{}, fmt.Errorf("the docker context %q cannot be used: %w; see `docker context inspect %s`", name, err, name)
	}
	return endpoint{host: cmp.Or(em.Host, client.DefaultDockerHost), from: fmt.Sprintf("the docker context %q", name), opts: opts,
		// An empty DOCKER_HOST is as good as none, and would win if it were set.
		env: []string{client.EnvOverrideHost + "=", "DOCKER_CONTEXT=" + name}}, nil
}

// Package docker is how podproof reaches the Docker engine: at the endpoint that the
// docker command would use, through the engine's API (1.40 and later).
package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// ErrNotFound is in the errors about images, networks and containers that the engine does not have.
var ErrNotFound = errors.New("not found")

// answerWithin bounds the first question to the engine; an ssh connection may have to be made for it.
const answerWithin = 20 * time.Second

// Engine is a Docker engine that answers.
type Engine struct {
	at  endpoint
	api *client.Client
}

// Connect reaches the engine that the docker command would use, and makes sure that it
// answers. The error names the endpoint, and says what to do.
func Connect(ctx context.Context) (*Engine, error) {
	at, err := find()
	if err != nil {
		return nil, err
	}
	api, err := client.New(at.opts...)
	if err != nil {
		return nil, fmt.Errorf("no Docker engine can be reached at %s (%s): %w", at.host, at.from, err)
	}
	e := &Engine{at: at, api: api}
	if err := e.Ping(ctx); err != nil {
		return nil, errors.Join(err, api.Close())
	}
	return e, nil
}

// Close lets go of idle connections.
func (e *Engine) Close() error { return e.api.Close() }

// Host is the engine's endpoint as in DOCKER_HOST: "unix:///var/run/docker.sock".
func (e *Engine) Host() string { return e.at.host }

// Env is what to add to a child's environment so that a docker command run by it reaches
// the same engine: "NAME=VALUE" each.
func (e *Engine) Env() []string { return e.at.env }

// Ping asks the engine for a sign of life.
func (e *Engine) Ping(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := e.api.Ping(limited, client.PingOptions{NegotiateAPIVersion: true})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %s", answerWithin)
	case errdefs.IsInvalidArgument(err): // an API that is too old for the client
		return fmt.Errorf("the Docker engine at %s (%s) is too old for podproof: %w; upgrade it to Docker Engine 20.10 or later", e.at.host, e.at.from, err)
	}
	return fmt.Errorf("no Docker engine answers at %s (%s): %w. %s", e.at.host, e.at.from, e.reason(limited, err), e.advice())
}

// reason is the connection's own error where there is one: the client's hides it.
func (e *Engine) reason(ctx context.Context, err error) error {
	conn, dialErr := e.api.Dialer()(ctx)
	if dialErr != nil {
		return dialErr
	}
	return errors.Join(err, conn.Close())
}

func (e *Engine) advice() string {
	path, isSocket := strings.CutPrefix(e.at.host, "unix://")
	if !isSocket {
		return "Start the engine there, or name another one with DOCKER_HOST or `docker context use NAME`."
	}
	if f, err := os.Open(path); errors.Is(err, os.ErrPermission) {
		return "You have no permission to use this socket: join its group (`ls -l " + path + "` names it), or name another engine with DOCKER_HOST."
	} else if err == nil {
		_ = f.Close()
	}
	return "Start Docker (`sudo systemctl start docker`, or Docker Desktop), or name a running engine with DOCKER_HOST or `docker context use NAME`."
}

// Dial opens a connection to one of BuildKit's endpoints, "/grpc" or "/session", and
// upgrades it to the protocol.
func (e *Engine) Dial(ctx context.Context, path, protocol string, meta map[string][]string) (net.Conn, error) {
	conn, err := e.api.DialHijack(ctx, path, protocol, meta)
	if err != nil {
		return nil, fmt.Errorf("the engine at %s refused a connection to its BuildKit (POST %s): %w", e.at.host, path, err)
	}
	return conn, nil
}

// Info is what matters to a verifier about an engine and its host.
type Info struct {
	Version       string // of the engine: "20.10.24"
	OS            string // as Go names it: "linux"
	Architecture  string // as Go and OCI name it: "amd64"
	CgroupVersion string // "1" or "2"
	StorageDriver string // "overlay2"
	CPUs          int
	Memory        int64 // bytes
}

// Info asks the engine about itself.
func (e *Engine) Info(ctx context.Context) (Info, error) {
	info, err := e.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return Info{}, fmt.Errorf("asking the engine at %s about itself (docker info): %w", e.at.host, err)
	}
	// Only the version tells the architecture as OCI names it; info has uname's word.
	v, err := e.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return Info{}, fmt.Errorf("asking the engine at %s for its version (docker version): %w", e.at.host, err)
	}
	return Info{Version: v.Version, OS: v.Os, Architecture: v.Arch, CgroupVersion: info.Info.CgroupVersion,
		StorageDriver: info.Info.Driver, CPUs: info.Info.NCPU, Memory: info.Info.MemTotal}, nil
}

// Image is one image in the engine's store.
type Image struct {
	// ID is the engine's: the digest of the configuration, or of the manifest where the
	// engine keeps images in containerd.
	ID   string
	Size int64 // bytes, as the engine counts them
	// OS and Architecture are as OCI names them: "linux", "amd64".
	OS, Architecture string
	// Layers are the diff IDs, lowest first.
	Layers []string
	// Config is the "config" of the image's configuration, as the engine tells it.
	Config json.RawMessage
}

// Image looks an image up by name or ID. The error is ErrNotFound when there is none.
func (e *Engine) Image(ctx context.Context, ref string) (Image, error) {
	r, err := e.api.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return Image{}, fmt.Errorf("image %s: %w in the Docker engine at %s; build it, or `docker pull %s`", ref, ErrNotFound, e.at.host, ref)
	} else if err != nil {
		return Image{}, fmt.Errorf("looking up image %s (docker image inspect): %w", ref, err)
	}
	config, err := json.Marshal(r.Config)
	if err != nil {
		return Image{}, fmt.Errorf("looking up image %s (docker image inspect): %w", ref, err)
	}
	return Image{ID: r.ID, Size: r.Size, OS: r.Os, Architecture: r.Architecture, Layers: r.RootFS.Layers, Config: config}, nil
}

// RemoveImage takes a name off an image, and removes the image when it has no other. One
// that is not there is no error.
func (e *Engine) RemoveImage(ctx context.Context, name string) error {
	_, err := e.api.ImageRemove(ctx, name, client.ImageRemoveOptions{PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing image %s (docker image rm): %w", name, err)
	}
	return nil
}

// Save streams an image as `docker save` does.
func (e *Engine) Save(ctx context.Context, ref string) (io.ReadCloser, error) {
	r, err := e.api.ImageSave(ctx, []string{ref})
	if errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("image %s: %w in the Docker engine at %s", ref, ErrNotFound, e.at.host)
	} else if err != nil {
		return nil, fmt.Errorf("saving image %s (docker save): %w", ref, err)
	}
	return r, nil
}

// Container is one container, running or not.
type Container struct {
	ID     string
	Name   string
	State  string // "running", "exited", …
	Labels map[string]string
}

// Containers lists those that carry a label: "key", or "key=value".
func (e *Engine) Containers(ctx context.Context, label string) ([]Container, error) {
	r, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", label)})
	if err != nil {
		return nil, fmt.Errorf("listing the containers labelled %s (docker ps -a): %w", label, err)
	}
	out := make([]Container, 0, len(r.Items))
	for _, c := range r.Items {
		x := Container{ID: c.ID, State: string(c.State), Labels: c.Labels}
		if len(c.Names) > 0 {
			x.Name = strings.TrimPrefix(c.Names[0], "/")
		}
		out = append(out, x)
	}
	return out, nil
}

// RemoveNetwork removes a network by name. One that is not there is no error.
func (e *Engine) RemoveNetwork(ctx context.Context, name string) error {
	_, err := e.api.NetworkRemove(ctx, name, client.NetworkRemoveOptions{})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("removing network %s (docker network rm): %w", name, err)
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"podproof.dev/hack/internal/archive"
	"podproof.dev/hack/internal/docker"
)

// bindService is what `setcap cap_net_bind_service+ep` writes (linux/capability.h, VFS_CAP_REVISION_2).
const bindService = "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// loadImages compiles the program that has all the habits, and puts the images of it into the engine.
func loadImages(ctx context.Context, source string) error {
	dir, err := os.MkdirTemp("", "podproof-cases-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	own, other := filepath.Join(dir, "own"), filepath.Join(dir, "arm64")
	for program, architecture := range map[string]string{own: runtime.GOARCH, other: "arm64"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, ".")
		build.Dir, build.Env = source, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-buildvcs=false", "GOARCH="+architecture)
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("compiling %s: %w: %s", source, err, said)
		}
	}
	config := archive.Config{User: "1001:1001", WorkingDir: "/app", Entrypoint: []string{"/app/mimic"},
		Env:          []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin"},
		ExposedPorts: map[string]struct{}{"8000/tcp": {}}}
	shell, nobody := config, config
	shell.Entrypoint = []string{"sh", "-c", "/app/mimic"}
	nobody.User = "nobody:nobody"
	accounts := []archive.Entry{{Name: "etc/passwd", Content: "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"},
		{Name: "etc/group", Content: "root:x:0:\nnogroup:x:65534:\n"}}
	for _, i := range []struct {
		name, program, architecture string
		attributes                  map[string]string
		config                      archive.Config
	}{
		{name: "mimic", program: own, config: config},
		{name: "sidecar", program: own, config: config},
		{name: "arm", program: other, config: config},
		{name: "armimage", program: other, architecture: "arm64", config: config},
		{name: "cap", program: own, attributes: map[string]string{"security.capability": bindService}, config: config},
		{name: "shell", program: own, config: shell},
		{name: "nogroup", program: own, config: nobody},
	} {
		entries := append([]archive.Entry{{Name: "app/mimic", Mode: 0o755, Source: i.program, Attributes: i.attributes}}, accounts...)
		layer, err := archive.Files(filepath.Join(dir, i.name+".tar"), entries)
		if err != nil {
			return err
		}
		image := archive.Image{Names: []string{"bugs/" + i.name + ":1"}, Config: i.config, Layers: []archive.Layer{layer}, Architecture: i.architecture}
		if err := load(ctx, image); err != nil {
			return fmt.Errorf("loading bugs/%s:1: %w", i.name, err)
		}
	}
	return nil
}

func load(ctx context.Context, image archive.Image) error {
	command := docker.Engine{}.Command(ctx, "load", "--quiet")
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		err := archive.Write(in, image)
		if closing := in.Close(); err == nil {
			err = closing
		}
		written <- err
	}()
	command.Stdout = io.Discard
	said, err := command.StderrPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	words, _ := io.ReadAll(said)
	if err := command.Wait(); err != nil {
		return fmt.Errorf("docker load: %w: %s", err, words)
	}
	return <-written
}

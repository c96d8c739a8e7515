package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// image is one that is measured.
type image struct {
	name string
	// ref is its name in the engine, empty for one that is always made.
	ref string
	// What it is made of where the engine has none: layers, files and bytes in all.
	layers, files int
	bytes         int64
	// planted is how many credentials lie in its layers.
	planted int
}

// reactbin is the reference image of this repository, as its contract names it.
const reactbin = "reactbin-api-prod:latest"

var measured = []image{
	{name: "reactbin", ref: reactbin, layers: 3, files: 40, bytes: 14 << 20},
	{name: "fastapi", ref: "reactbin-fastapi-prod:latest", layers: 6, files: 8000, bytes: 260 << 20},
	{name: "synthetic", layers: 60, files: 50000, bytes: 1 << 30, planted: 3},
}

// archive writes the image as `docker save` does, and says where it is from.
func (b bench) archive(ctx context.Context, img image, file string) (string, error) {
	if img.ref != "" && b.docker {
		if err := exec.CommandContext(ctx, "docker", "image", "inspect", img.ref).Run(); err == nil {
			if out, err := exec.CommandContext(ctx, "docker", "save", "-o", file, img.ref).CombinedOutput(); err != nil {
				return "", fmt.Errorf("docker save %s: %w: %s", img.ref, err, out)
			}
			return img.ref, nil
		}
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	fmt.Fprintln(os.Stderr, "[bench] making the image", img.name)
	if out, err := exec.CommandContext(ctx, self, "make", img.name, file).CombinedOutput(); err != nil {
		return "", fmt.Errorf("making it: %w: %s", err, out)
	}
	return fmt.Sprintf("made: %d layers, %d files", img.layers, img.files), nil
}

func makeImage(name, file string) error {
	for _, img := range measured {
		if img.name == name {
			return img.write(file)
		}
	}
	return fmt.Errorf("no image is called %q", name)
}

// Package images decides for each image that a run needs whether it is the official one or a stand-in, and gets it
// into the engine.
package images

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/hack/internal/standin"
)

// wanted is one image that a run needs.
type wanted struct {
	name     string
	official string   // its name in a registry
	variable string   // tells the image's name to make, Dockerfiles and podproof
	usual    string   // the variable's value for the official image
	with     []string // further variables when it is a stand-in; %s is the stand-in's name
	recipe   func(standin.Host) (standin.Image, error)
}

// setImage is podproof's own variable for what runs instead of the manifests' images, with a comma between them.
const setImage = "PODPROOF_SET_IMAGE"

// catalogue lists them, the quickest to build first. kind is the node image that kind's library takes by itself.
func catalogue(kind string) []wanted {
	const postgres, redis, python = "postgres:16-alpine", "redis:7-alpine", "python:3.12-slim-bookworm"
	return []wanted{
		{name: "go", official: "golang:1.26-bookworm", variable: "GO_IMAGE", usual: "golang:1.26-bookworm", recipe: standin.Host.Golang},
		{name: "static", official: "gcr.io/distroless/static-debian12:nonroot", variable: "STATIC_IMAGE", usual: "gcr.io/distroless/static-debian12:nonroot", recipe: standin.Host.Static},
		{name: "python", official: python, variable: "PYTHON_IMAGE", usual: python, with: []string{"PYTHON_DEPS=debian"}, recipe: standin.Host.Python},
		{name: "python-dev", official: python, variable: "PYTHON_DEV_IMAGE", usual: python, recipe: standin.Host.PythonDev},
		{name: "postgres", official: postgres, variable: "POSTGRES_IMAGE", usual: postgres, with: []string{setImage + "=" + postgres + "=%s"}, recipe: standin.Host.Postgres},
		{name: "redis", official: redis, variable: "REDIS_IMAGE", usual: redis, with: []string{setImage + "=" + redis + "=%s"}, recipe: standin.Host.Redis},
		{name: "node", official: kind, variable: "PODPROOF_NODE_IMAGE", usual: "", recipe: standin.Host.Node},
	}
}

// selection returns those named, or all.
func selection(all []wanted, names []string) ([]wanted, error) {
	if len(names) == 0 {
		return all, nil
	}
	var known []string
	for _, w := range all {
		known = append(known, w.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("there is no image %q: the names are %s", name, strings.Join(known, ", "))
		}
	}
	return slices.DeleteFunc(all, func(w wanted) bool { return !slices.Contains(names, w.name) }), nil
}

var kindDefault = regexp.MustCompile(`(?m)^const Image = "([^"]+)"`)

// KindNode reads kind's default node image from its source in the module cache.
func KindNode(kind standin.Module) (string, error) {
	file := filepath.Join(kind.Dir, "pkg", "apis", "config", "defaults", "image.go")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	found := kindDefault.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("kind %s: %s does not say 'const Image = …'", kind.Version, file)
	}
	return string(found[1]), nil
}

// choice is what was decided for one image.
type choice struct {
	wanted
	standin standin.Image
	ref     string // of the image taken
	ready   bool   // it is in the engine
}

func (c choice) isStandin() bool { return strings.HasPrefix(c.ref, standin.Registry+"/") }

// variables returns NAME=value for each variable that the image decides.
func (c choice) variables() []string {
	if !c.isStandin() {
		return []string{c.variable + "=" + c.usual}
	}
	set := []string{c.variable + "=" + c.ref}
	for _, other := range c.with {
		set = append(set, strings.ReplaceAll(other, "%s", c.ref))
	}
	return set
}

// candidates works out what each image would be called as a stand-in.
func candidates(_ context.Context, list []wanted, host standin.Host) ([]choice, error) {
	var choices []choice
	for _, w := range list {
		image, err := w.recipe(host)
		if err != nil {
			return nil, fmt.Errorf("%s image: %w", w.name, err)
		}
		choices = append(choices, choice{wanted: w, standin: image})
	}
	return choices, nil
}

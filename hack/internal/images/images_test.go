package images

import (
	"slices"
	"testing"

	"podproof.dev/hack/internal/standin"
)

func TestStored(t *testing.T) {
	for ref, want := range map[string]string{
		"postgres:16-alpine":            "postgres:16-alpine",
		"kindest/node:v1@sha256:ab":     "kindest/node@sha256:ab",
		"localhost:5000/node@sha256:ab": "localhost:5000/node@sha256:ab",
	} {
		if got := stored(ref); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}
}

func TestRegistry(t *testing.T) {
	for ref, want := range map[string]string{
		"postgres:16-alpine":                      "docker.io",
		"kindest/node:v1":                         "docker.io",
		"gcr.io/distroless/static-debian12:debug": "gcr.io",
		"localhost:5000/node":                     "localhost:5000",
	} {
		if got := registry(ref); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}
}

func TestParseMode(t *testing.T) {
	if mode, err := ParseMode(""); mode != Auto || err != nil {
		t.Errorf("empty: %s, %v", mode, err)
	}
	if _, err := ParseMode("pul"); err == nil {
		t.Error("a mode that does not exist was taken")
	}
}

func TestSelection(t *testing.T) {
	got, err := selection(catalogue("kindest/node:v1"), []string{"static", "go"})
	if err != nil || len(got) != 2 || got[0].name != "go" || got[1].name != "static" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := selection(catalogue(""), []string{"golang"}); err == nil {
		t.Error("an unknown name was taken")
	}
}

func TestVariables(t *testing.T) {
	list, err := selection(catalogue("kindest/node:v1"), []string{"postgres", "redis", "node", "python"})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		standin bool
		want    []string
	}{
		"official": {false, []string{"PYTHON_IMAGE=python:3.12-slim-bookworm", "POSTGRES_IMAGE=postgres:16-alpine", "REDIS_IMAGE=redis:7-alpine", "PODPROOF_NODE_IMAGE="}},
		"stand-in": {true, []string{
			"DOCKER_HOST=unix:///s",
			"PYTHON_IMAGE=podproof.local/python:k", "PYTHON_DEPS=debian",
			"POSTGRES_IMAGE=podproof.local/postgres:k", "PODPROOF_SET_IMAGE=postgres:16-alpine=podproof.local/postgres:k,redis:7-alpine=podproof.local/redis:k",
			"REDIS_IMAGE=podproof.local/redis:k",
			"PODPROOF_NODE_IMAGE=podproof.local/node:k",
		}},
	} {
		var result Result
		for _, w := range list {
			c := choice{wanted: w, standin: standin.Image{Name: w.name, Key: "k"}, ref: w.official}
			if test.standin {
				c.ref, result.Host = c.standin.Ref(), "unix:///s"
			}
			result.choices = append(result.choices, c)
		}
		if got := result.Variables(true); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

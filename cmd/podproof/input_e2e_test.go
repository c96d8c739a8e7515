//go:build e2e

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// project writes a contract and manifests into a folder of their own.
func project(t *testing.T, contract string, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["podproof.yaml"] = contract
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const head = "apiVersion: podproof/v1alpha1\nkind: Contract\nimage: reactbin-api-prod:latest\n"

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: reactbin-api-prod:latest
          ports: [{containerPort: 8000, hostPort: 8000}]
`

func TestBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		contract string
		files    map[string]string
		args     []string
		env      []string
		code     int
		says     []string
	}{
		"no docker": {
			contract: head + "manifests: [api.yaml]\n", files: map[string]string{"api.yaml": deployment},
			env: []string{"DOCKER_HOST=unix:///nonexistent.sock"}, code: exitInconclusive,
			says: []string{"unix:///nonexistent.sock", "Start Docker"},
		},
		"no image": {
			contract: head + "manifests: [api.yaml]\n", files: map[string]string{"api.yaml": deployment},
			args: []string{"example.invalid/no/such:image"}, code: exitUsage, says: []string{"example.invalid/no/such:image"},
		},
		"broken contract": {
			contract: head + "manifest: [api.yaml]\n", files: map[string]string{}, code: exitUsage,
			says: []string{"podproof.yaml:4", `manifests`},
		},
		"broken manifest": {
			contract: head + "manifests: [api.yaml]\n", code: exitUsage, says: []string{"api.yaml:6", "replica"},
			files: map[string]string{"api.yaml": strings.Replace(deployment, "  selector:", "  replica: 3\n  selector:", 1)},
		},
		"broken YAML": {
			contract: head + "manifests: [api.yaml]\n", code: exitUsage, says: []string{"api.yaml:"},
			files: map[string]string{"api.yaml": strings.Replace(deployment, "{name: api}", "{name: api", 1)},
		},
		"no workload": {
			contract: head + "manifests: [config.yaml]\n", code: exitUsage, says: []string{"no workload"},
			files: map[string]string{"config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: api}\n"},
		},
		"another workload": {
			contract: head + "manifests: [api.yaml]\nworkload: deployment/web\n", code: exitUsage,
			files: map[string]string{"api.yaml": deployment}, says: []string{"deployment/web", "deployment/api"},
		},
		"unknown check": {
			contract: head, files: map[string]string{}, args: []string{"--only", "image/nothing"}, code: exitUsage,
			says: []string{"image/nothing"},
		},
		"no Dockerfile": {
			contract: head + "build: {context: ., dockerfile: Dockerfile.prod}\nmanifests: [api.yaml]\n", code: exitFail,
			files: map[string]string{"api.yaml": deployment}, says: []string{"Dockerfile.prod", "build/succeeds"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := project(t, c.contract, c.files)
			podproof(t, c.env, append([]string{"verify", "-f", filepath.Join(dir, "podproof.yaml")}, c.args...)...).want(t, c.code, c.says...)
			wantClean(t)
		})
	}
}

// settings let reactbin run, and wait for a database that is not there.
const settings = `          env:
            - {name: JWT_SECRET_KEY, value: 0123456789abcdef0123456789abcdef}
            - {name: OWNER_USERNAME, value: owner}
            - {name: OWNER_PASSWORD, value: correct-horse}
            - {name: DATABASE_URL, value: "postgresql://reactbin:reactbin@127.0.0.1:5432/reactbin"}
            - {name: S3_ENDPOINT_URL, value: "http://s3.example:9000"}
            - {name: S3_BUCKET_NAME, value: reactions}
            - {name: S3_ACCESS_KEY_ID, value: reactbin}
            - {name: S3_SECRET_ACCESS_KEY, value: reactbin-secret}
            - {name: S3_REGION, value: us-east-1}
`

// Two pods that want the same port of the only node: one runs, the other cannot be scheduled.
func TestPortTaken(t *testing.T) {
	dir := project(t, head+"manifests: [api.yaml]\n", map[string]string{"api.yaml": deployment + settings})
	podproof(t, nil, "verify", "-f", filepath.Join(dir, "podproof.yaml"), "--only", "startup/ready").
		want(t, exitInconclusive, "free ports")
	wantClean(t)
}

func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a full disk")
	}
	cache := t.TempDir()
	if err := syscall.Mount("tmpfs", cache, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(cache, 0); err != nil {
			t.Error(err)
		}
	}()
	podproof(t, []string{"XDG_CACHE_HOME=" + cache}, "verify", "--only", "image/*").want(t, exitInconclusive, "no space left", cache)
	if entries, _ := filepath.Glob(filepath.Join(cache, "podproof/runs/*")); len(entries) > 0 {
		t.Errorf("left behind: %v", entries)
	}
}

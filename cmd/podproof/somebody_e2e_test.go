//go:build e2e

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// everything is all that a user sees in a cluster.
const everything = "all,configmaps,secrets,serviceaccounts,persistentvolumeclaims,networkpolicies,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings"

// somebodysCluster is one whose nodes pull from a registry of the test's, and kubectl in it.
type somebodysCluster struct {
	t        *testing.T
	registry string
	gateway  string           // the registry's name that pods reach, too: an address
	auth     authn.AuthConfig // of the registry; empty where it asks for none
	away     *atomic.Bool     // has the registry end each connection
}

func (c somebodysCluster) kubectl(stdin string, args ...string) string {
	c.t.Helper()
	x := exec.Command("docker", append([]string{"exec", "-i", sharedCluster + "-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
	x.Stdin = strings.NewReader(stdin)
	out, err := x.CombinedOutput()
	if err != nil {
		c.t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// docker runs a command of the engine's.
func (c somebodysCluster) docker(stdin string, args ...string) string {
	c.t.Helper()
	x := exec.Command("docker", args...)
	x.Stdin = strings.NewReader(stdin)
	out, err := x.Output()
	if err != nil {
		c.t.Fatalf("docker %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// onNode runs a command on a node.
func (c somebodysCluster) onNode(node, stdin string, args ...string) string {
	c.t.Helper()
	return c.docker(stdin, append([]string{"exec", "-i", node}, args...)...)
}

// while has objects in the cluster until a test is over.
func (c somebodysCluster) while(t *testing.T, objects string) {
	t.Helper()
	c.kubectl(objects, "apply", "-f", "-")
	t.Cleanup(func() { c.kubectl(objects, "delete", "--ignore-not-found", "-f", "-") })
}

// withRegistry serves a registry, which has one name everywhere: on the host it is there, and on the
// nodes containerd is told the way (containerd, docs/hosts.md).
func withRegistry(t *testing.T, auth authn.AuthConfig, nodes ...string) somebodysCluster {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	away := new(atomic.Bool)
	open := knowing(auth, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		open.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	port := l.Addr().(*net.TCPAddr).Port
	c := somebodysCluster{t: t, registry: fmt.Sprintf("localhost:%d", port), auth: auth, away: away}
	gateway := c.docker("", "network", "inspect", sharedCluster, "--format", "{{range .IPAM.Config}}{{.Gateway}}\n{{end}}")
	for _, g := range strings.Fields(gateway) {
		if ip := net.ParseIP(g); ip != nil && ip.To4() != nil {
			gateway = g
		}
	}
	c.gateway = net.JoinHostPort(gateway, fmt.Sprint(port))
	hosts := fmt.Sprintf("[host.\"http://%s\"]\n  capabilities = [\"pull\", \"resolve\"]\n", c.gateway)
	for _, n := range nodes {
		for _, name := range []string{c.registry, c.gateway} {
			dir := "/etc/containerd/certs.d/" + name
			c.onNode(n, "", "mkdir", "-p", dir)
			c.onNode(n, hosts, "dd", "status=none", "of="+dir+"/hosts.toml")
		}
	}
	return c
}

// knowing lets nobody in but who has the password, where there is one.
func knowing(auth authn.AuthConfig, to http.Handler) http.Handler {
	if auth.Password == "" {
		return to
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != auth.Username || password != auth.Password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
			return
		}
		to.ServeHTTP(w, r)
	})
}

// credentials are those of the registry, as Docker writes them to its config.json.
func (c somebodysCluster) credentials() string {
	word := base64.StdEncoding.EncodeToString([]byte(c.auth.Username + ":" + c.auth.Password))
	return fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, c.registry, word)
}

// login is the environment of somebody who has logged in at the registry.
func (c somebodysCluster) login() []string {
	c.t.Helper()
	dir := c.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(c.credentials()), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return []string{"DOCKER_CONFIG=" + dir}
}

// push puts an image of the engine's into the registry, and returns its name there.
func (c somebodysCluster) push(image, as string) string {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "image.tar")
	c.docker("", "save", "-o", file, image)
	img, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	ref := c.registry + "/" + as
	to, err := name.ParseReference(ref)
	if err == nil {
		err = remote.Write(to, img, remote.WithAuth(authn.FromConfig(c.auth)))
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return ref
}

// kubeconfig is that of a service account.
func (c somebodysCluster) kubeconfig(namespace, account string, token ...string) string {
	c.t.Helper()
	raw := c.docker("", "exec", sharedCluster+"-control-plane", "cat", "/etc/kubernetes/admin.conf")
	field := func(key string) string {
		_, rest, _ := strings.Cut(raw, key+": ")
		value, _, _ := strings.Cut(rest, "\n")
		return value
	}
	address := c.docker("", "port", sharedCluster+"-control-plane", "6443/tcp")
	address, _, _ = strings.Cut(address, "\n")
	secret := c.kubectl("", append([]string{"create", "token", account, "-n", namespace, "--duration=1h"}, token...)...)
	file := filepath.Join(c.t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: strict\nclusters: [{name: c, cluster: {server: \"https://%s\", certificate-authority-data: %s}}]\ncontexts: [{name: strict, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: %s}}]\n",
		address, field("certificate-authority-data"), secret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return file
}

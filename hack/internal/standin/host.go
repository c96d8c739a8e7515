package standin

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Host is what the images take from this machine and this repository.
type Host struct {
	Hack string            // the hack directory
	Go   map[string]string // go env; of moduleSettings, those that differ from Go's own
	CA   string            // the host's CA bundle: where TLS is intercepted, it holds the interceptor's
	Kind Module
}

// Module is a Go module in the module cache.
type Module struct{ Version, Dir string }

// certificates is where Debian, and most others, keep the CA bundle.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// moduleSettings are the settings that say where modules come from and whether their sums are checked.
var moduleSettings = []string{"GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE"}

// ThisHost reads what images are made from. hack is the directory of the hack module.
func ThisHost(ctx context.Context, hack string) (Host, error) {
	host := Host{Hack: hack}
	for _, names := range [][]string{
		{"-json", "GOVERSION", "GOROOT", "GOARCH", "GOCACHE"},
		append([]string{"-changed", "-json"}, moduleSettings...),
	} {
		text, err := output(ctx, nil, "go", append([]string{"env", "-C", hack}, names...)...)
		if err != nil {
			return host, err
		}
		// Into the same map: decoding adds to it.
		if err := json.Unmarshal(text, &host.Go); err != nil {
			return host, fmt.Errorf("go env: %w", err)
		}
	}
	bundle, err := os.ReadFile(certificates)
	if err != nil && !os.IsNotExist(err) {
		return host, err
	}
	host.CA = string(bundle)
	// The kind that podproof is linked with: its files make a node of a Debian, so the two fit.
	text, err := output(ctx, []string{"GOWORK=off"}, "go", "mod", "download", "-C", filepath.Dir(hack), "-json", "sigs.k8s.io/kind")
	if err != nil {
		return host, err
	}
	if err := json.Unmarshal(text, &host.Kind); err != nil {
		return host, fmt.Errorf("go mod download: %w", err)
	}
	return host, nil
}

// file returns the content of a file of the hack directory.
func (h Host) file(name ...string) (string, error) {
	text, err := os.ReadFile(filepath.Join(append([]string{h.Hack}, name...)...))
	return string(text), err
}

// key is a hash of everything that something is made from.
func key(inputs ...string) string {
	digest := sha256.New()
	for _, input := range inputs {
		fmt.Fprintf(digest, "%d:%s", len(input), input)
	}
	return fmt.Sprintf("%x", digest.Sum(nil))[:12]
}

// goEnv returns the module settings that differ from what Go itself would take, as a go.env file.
func (h Host) goEnv() string {
	var lines strings.Builder
	for _, name := range moduleSettings {
		if value, ok := h.Go[name]; ok {
			fmt.Fprintf(&lines, "%s=%s\n", name, value)
		}
	}
	return lines.String()
}

package standin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// compiler is the same for everything in the node: static, and without debug information, which saves a third of the
// time. Equal flags let the programs share what the Go build cache has.
var compiler = []string{"build", "-trimpath", "-gcflags=all=-dwarf=false"}

// program is a Go program of a nested module.
type program struct{ name, pkg string }

// compile builds programs of the module in hack/node/<name> into the part's directory.
func (h Host) compile(name, what, note string, ldflags string, space part, programs ...program) (part, error) {
	module := filepath.Join(h.Hack, "node", name)
	inputs := []string{h.Go["GOVERSION"], h.Go["GOARCH"], ldflags, strings.Join(compiler, " "), fmt.Sprint(programs)}
	err := filepath.WalkDir(module, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		inputs = append(inputs, filepath.Base(file), string(text))
		return err
	})
	if err != nil {
		return part{}, err
	}
	return part{
		name: name, key: key(inputs...), what: what, note: note, size: space.size, compile: space.compile,
		build: func(ctx context.Context, _ *Builder, dir string) error {
			for _, p := range programs {
				args := append(compiler[:1:1], "-C", module)
				args = append(append(args, compiler[1:]...), "-ldflags", "-s -w "+ldflags, "-o", filepath.Join(dir, p.name), p.pkg)
				if err := command(ctx, []string{"CGO_ENABLED=0", "GOWORK=off", "GOOS=linux"}, "go", args...); err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

// required returns the version that a go.mod of hack/node requires of a module.
func (h Host) required(name, module string) (string, error) {
	text, err := h.file("node", name, "go.mod")
	if err != nil {
		return "", err
	}
	found := regexp.MustCompile(`(?m)^(?:require )?\s*` + regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("hack/node/%s/go.mod does not require %s", name, module)
	}
	return found[1], nil
}

// kubernetes compiles every Kubernetes program of a node as one, and crictl.
func (h Host) kubernetes() (part, string, error) {
	version, err := h.required("kube", "k8s.io/kubernetes")
	if err != nil {
		return part{}, "", err
	}
	numbers := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(numbers) != 3 {
		return part{}, "", fmt.Errorf("hack/node/kube/go.mod requires k8s.io/kubernetes %s: expected vMAJOR.MINOR.PATCH", version)
	}
	const set = "-X k8s.io/component-base/version."
	ldflags := set + "gitVersion=" + version + " " + set + "gitMajor=" + numbers[0] + " " + set + "gitMinor=" + numbers[1] + " " + set + "gitTreeState=clean"
	p, err := h.compile("kube", "node image: compiling Kubernetes "+version, "about 10 min on 2 cores, once", ldflags,
		part{size: 250 << 20, compile: 4 << 30}, program{"kube", "."}, program{"crictl", "sigs.k8s.io/cri-tools/cmd/crictl"})
	return p, version, err
}

// containerd compiles the container runtime of a node, and the program that fills its store beforehand.
func (h Host) containerd() (part, error) {
	const module = "github.com/containerd/containerd/v2"
	version, err := h.required("containerd", module)
	if err != nil {
		return part{}, err
	}
	return h.compile("containerd", "node image: compiling containerd "+version, "about a minute, once", "-X "+module+"/version.Version="+version,
		part{size: 120 << 20, compile: 1 << 30},
		program{"containerd", module + "/cmd/containerd"},
		program{"containerd-shim-runc-v2", module + "/cmd/containerd-shim-runc-v2"},
		program{"ctr", module + "/cmd/ctr"},
		program{"preload", "./preload"})
}

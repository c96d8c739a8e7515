package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"podproof.dev/hack/internal/archive"
)

// applets are the names that the Kubernetes binary is called by in the control plane's images.
var applets = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "etcd", "coredns"}

// trees is where the node keeps the files of preloaded images: outside of /var, which every node start copies.
const trees = "kind/layers/"

// layout changes whenever this file lays the node's layers out in another way.
const layout = "1"

// assemble makes the layers with the programs and with the images that the node has from the start.
func (h Host) assemble(version string, kube, containerd, controlPlane part, postgres Image) (part, error) {
	network, err := h.file("node", "pod-network.conflist")
	if err != nil {
		return part{}, err
	}
	manifest, err := h.file("node", "default-cni.yaml")
	if err != nil {
		return part{}, err
	}
	pause, err := h.file("cmd", "pause", "main.go")
	if err != nil {
		return part{}, err
	}
	runtime, err := os.ReadFile(filepath.Join(h.Kind.Dir, "images", "base", "files", "etc", "containerd", "config.toml"))
	if err != nil {
		return part{}, err
	}
	a := assembly{host: h, version: version, network: network, manifest: manifest, runtime: string(runtime), postgres: postgres}
	return part{
		name: "node", key: key(kube.key, containerd.key, controlPlane.key, postgres.Key, network, manifest, a.runtime, pause, layout),
		what: "node image: putting its layers together", size: 600 << 20,
		after: append([]part{kube, containerd, controlPlane}, postgres.parts...),
		build: func(ctx context.Context, b *Builder, dir string) error {
			a.kube, a.containerd, a.controlPlane = b.path(kube), b.path(containerd), b.path(controlPlane)
			for _, p := range postgres.parts {
				a.postgresDirs = append(a.postgresDirs, b.path(p))
			}
			return a.write(ctx, dir)
		},
	}, nil
}

type assembly struct {
	host                           Host
	version                        string
	network, manifest, runtime     string
	kube, containerd, controlPlane string // directories of the parts
	postgres                       Image
	postgresDirs                   []string
}

func (a assembly) write(ctx context.Context, dir string) error {
	scratch := filepath.Join(dir, "scratch") // below dir, so that it goes with it
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return err
	}
	pause := filepath.Join(scratch, "pause")
	if err := command(ctx, []string{"CGO_ENABLED=0", "GOWORK=off"}, "go", "build", "-C", a.host.Hack, "-trimpath", "-ldflags=-s -w", "-o", pause, "./cmd/pause"); err != nil {
		return err
	}
	images, err := a.images(ctx, scratch, pause)
	if err != nil {
		return err
	}
	entries, err := a.programs(ctx)
	if err != nil {
		return err
	}
	for _, image := range images {
		entries = append(entries, image.entries()...)
	}
	if _, err := archive.Files(filepath.Join(dir, "programs.tar"), entries); err != nil {
		return err
	}
	if err := a.preload(ctx, dir, scratch, images); err != nil {
		return err
	}
	return os.RemoveAll(scratch)
}

// programs is what the node itself runs, and its settings.
func (a assembly) programs(ctx context.Context) ([]archive.Entry, error) {
	spec, err := a.containerSpec(ctx)
	if err != nil {
		return nil, err
	}
	// Lowering a container's OOM score needs a capability that not every host has.
	const denied, allowed = "restrict_oom_score_adj = false", "restrict_oom_score_adj = true"
	runtime := strings.Replace(a.runtime, denied, allowed, 1)
	if !strings.Contains(runtime, allowed) {
		return nil, fmt.Errorf("kind %s: its containerd configuration lacks %q", a.host.Kind.Version, denied)
	}
	entries := []archive.Entry{
		{Name: "usr/local/bin/kube", Mode: 0o755, Source: a.kube + "/kube"},
		{Name: "usr/local/bin/crictl", Mode: 0o755, Source: a.kube + "/crictl"},
		{Name: "etc/containerd/config.toml", Content: runtime},
		{Name: "etc/containerd/cri-base.json", Content: spec},
		{Name: "etc/cni/net.d/10-pod-network.conflist", Content: a.network},
		{Name: "kind/manifests/default-cni.yaml", Content: a.manifest},
		{Name: "kind/version", Content: a.version},
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		entries = append(entries, archive.Entry{Name: "usr/local/bin/" + name, Mode: 0o755, Source: filepath.Join(a.containerd, name)})
	}
	for _, name := range []string{"kubelet", "kubeadm", "kubectl"} {
		entries = append(entries, archive.Entry{Name: "usr/bin/" + name, Link: "/usr/local/bin/kube"})
	}
	for _, plugin := range []string{"host-local", "loopback", "portmap", "ptp"} {
		entries = append(entries, archive.Entry{Name: "opt/cni/bin/" + plugin, Link: "/usr/lib/cni/" + plugin})
	}
	return entries, nil
}

// containerSpec is containerd's own default for containers, with the hook that kind's nodes need and without limits.
func (a assembly) containerSpec(ctx context.Context) (string, error) {
	text, err := output(ctx, nil, filepath.Join(a.containerd, "ctr"), "oci", "spec")
	if err != nil {
		return "", err
	}
	var spec map[string]any
	if err := json.Unmarshal(text, &spec); err != nil {
		return "", fmt.Errorf("ctr oci spec: %w", err)
	}
	process, ok := spec["process"].(map[string]any)
	if !ok {
		return "", errors.New("ctr oci spec: it has no process")
	}
	delete(process, "rlimits")
	spec["hooks"] = map[string]any{"createContainer": []map[string]string{{"path": "/kind/bin/mount-product-files.sh"}}}
	text, err = json.MarshalIndent(spec, "", "  ")
	return string(text), err
}

// preloaded is an image that the node has from the start. Each of its layers lies in a directory of the node.
type preloaded struct {
	Names  []string
	Config json.RawMessage
	Layers []preloadedLayer
}

type preloadedLayer struct {
	Size    int64
	Tree    string
	entries []archive.Entry // how the node gets the tree
}

func (p preloaded) entries() []archive.Entry {
	var all []archive.Entry
	for _, l := range p.Layers {
		all = append(all, l.entries...)
	}
	return all
}

// images lists what kubeadm and containerd ask for, and Postgres.
func (a assembly) images(ctx context.Context, scratch, pause string) ([]preloaded, error) {
	controlPlane, pauses, err := a.imageNames(ctx, scratch)
	if err != nil {
		return nil, err
	}
	binary := []archive.Entry{{Name: "usr/local/bin/kube", Mode: 0o755, Source: a.kube + "/kube"}}
	// In the node the binary is there already: its second place costs nothing, and both share the page cache.
	shared := []archive.Entry{{Name: "usr/local/bin/kube", Mode: 0o755, Hard: "usr/local/bin/kube"}}
	var links []archive.Entry
	for _, name := range applets {
		links = append(links, archive.Entry{Name: "usr/local/bin/" + name, Link: "kube"})
	}
	root := a.controlPlane + "/root.tar"
	config := archive.Config{Env: []string{path}, Entrypoint: []string{"/usr/local/bin/coredns"}}
	first, err := describe("control-plane", controlPlane, config,
		source{archive.File(root), []archive.Entry{{Tar: root}}},
		source{archive.Stream(append(binary, links...)), append(shared, links...)})
	if err != nil {
		return nil, err
	}
	hold := []archive.Entry{{Name: "pause", Mode: 0o755, Source: pause}}
	second, err := describe("pause", pauses, archive.Config{Entrypoint: []string{"/pause"}}, source{archive.Stream(hold), hold})
	if err != nil {
		return nil, err
	}
	third, err := a.postgresImage(scratch)
	return []preloaded{first, second, third}, err
}

// postgresImage is the very image that the engine gets, so that the two have one digest.
func (a assembly) postgresImage(scratch string) (preloaded, error) {
	layers, err := a.postgres.layers(a.postgresDirs)
	if err != nil {
		return preloaded{}, err
	}
	var sources []source
	for i, layer := range layers {
		file := filepath.Join(scratch, fmt.Sprintf("postgres-%d.tar", i))
		if err := archive.Save(layer, file); err != nil {
			return preloaded{}, err
		}
		sources = append(sources, source{archive.File(file), []archive.Entry{{Tar: file}}})
	}
	return describe("postgres", []string{a.postgres.Ref()}, a.postgres.labelled(), sources...)
}

var sandboxImage = regexp.MustCompile(`sandbox_image = "([^"]+)"`)

// imageNames asks kubeadm which images a cluster consists of. The pause image goes by containerd's name for it, too.
func (a assembly) imageNames(ctx context.Context, scratch string) (controlPlane, pauses []string, err error) {
	kubeadm := filepath.Join(scratch, "kubeadm")
	if err := os.Symlink(a.kube+"/kube", kubeadm); err != nil {
		return nil, nil, err
	}
	defer os.Remove(kubeadm)
	text, err := output(ctx, nil, kubeadm, "config", "images", "list", "--kubernetes-version", a.version)
	if err != nil {
		return nil, nil, err
	}
	sandbox := sandboxImage.FindStringSubmatch(a.runtime)
	if sandbox == nil {
		return nil, nil, fmt.Errorf("kind %s: its containerd configuration names no sandbox_image", a.host.Kind.Version)
	}
	pauses = []string{sandbox[1]}
	for _, name := range strings.Fields(string(text)) {
		switch {
		case !strings.Contains(name, "/pause:"):
			controlPlane = append(controlPlane, name)
		case !slices.Contains(pauses, name):
			pauses = append(pauses, name)
		}
	}
	if len(controlPlane) == 0 {
		return nil, nil, fmt.Errorf("kubeadm config images list printed no image: %q", text)
	}
	return controlPlane, pauses, nil
}

// source is one layer: its tar, whose digest names it, and how its files get into the node.
type source struct {
	tar   archive.Layer
	files []archive.Entry
}

// describe lists what the node needs of an image whose layers become trees of it.
func describe(name string, refs []string, config archive.Config, sources ...source) (preloaded, error) {
	image := preloaded{Names: refs}
	var layers []archive.Layer
	for i, s := range sources {
		tree := fmt.Sprintf("%s%s-%d", trees, name, i)
		l := preloadedLayer{Tree: "/" + tree}
		for _, e := range s.files {
			e.Name = filepath.Join(tree, e.Name)
			l.entries = append(l.entries, e)
		}
		layers, image.Layers = append(layers, s.tar), append(image.Layers, l)
	}
	text, sizes, err := archive.Configuration(config, layers)
	for i := range sizes {
		image.Layers[i].Size = sizes[i]
	}
	image.Config = text
	return image, err
}

// preload writes the layer with the state of a containerd that has the images.
func (a assembly) preload(ctx context.Context, dir, scratch string, images []preloaded) error {
	list, err := json.Marshal(images)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(a.containerd, "preload"))
	var said bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(list), &said
	state := filepath.Join(scratch, "containerd.tar")
	out, err := os.Create(state)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout = out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("preload: %w: %s", err, said.String())
	}
	_, err = archive.Files(filepath.Join(dir, "state.tar"), []archive.Entry{{Name: "var/lib/containerd", Tar: state}})
	return err
}

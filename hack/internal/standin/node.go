package standin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"podproof.dev/hack/internal/archive"
)

const (
	nodePackages = "systemd,systemd-sysv,conntrack,iptables,nftables,iproute2,ethtool,util-linux,mount,kmod,libseccomp2,pigz,e2fsprogs,bash," +
		"ca-certificates,curl,jq,procps,hostname,containernetworking-plugins,runc"
	// kube-proxy calls these; everything else of the control plane is one static binary.
	controlPlanePackages = "iptables,nftables,libc-bin"
)

// Node is the image of a kind node, for clusters of one node: its pod network is static.
func (h Host) Node() (Image, error) {
	postgres, err := h.Postgres()
	if err != nil {
		return Image{}, err
	}
	kube, version, err := h.kubernetes()
	if err != nil {
		return Image{}, err
	}
	containerd, err := h.containerd()
	if err != nil {
		return Image{}, err
	}
	system, err := h.nodeSystem()
	if err != nil {
		return Image{}, err
	}
	controlPlane, err := h.controlPlane()
	if err != nil {
		return Image{}, err
	}
	assembled, err := h.assemble(version, kube, containerd, controlPlane, postgres)
	if err != nil {
		return Image{}, err
	}
	return Image{
		Name: "node", Key: key(system.key, assembled.key),
		config: archive.Config{
			Env:        []string{path, "container=docker"}, // systemd looks whether it is in a container
			Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
			StopSignal: "SIGRTMIN+3", // systemd's signal for a clean halt
		},
		parts: []part{system, assembled},
		layers: func(dirs []string) ([]archive.Layer, error) {
			return []archive.Layer{
				archive.File(dirs[0] + "/system.tar"),
				archive.File(dirs[1] + "/programs.tar"),
				archive.File(dirs[1] + "/state.tar"),
			}, nil
		},
	}, nil
}

// nodeSystem is a Debian with systemd and with the files that make a kind node of it. Those come from kind's module.
func (h Host) nodeSystem() (part, error) {
	settle, err := h.file("node", "settle")
	if err != nil {
		return part{}, err
	}
	files := filepath.Join(h.Kind.Dir, "images", "base", "files")
	content, err := treeContent(files)
	if err != nil {
		return part{}, err
	}
	return h.bootstrapped(part{
		name: "node-system", what: "node image: installing Debian " + suite + " with systemd", note: "about a minute, once",
		size: 250 << 20, scratch: 600 << 20,
	}, "system.tar", func(dir string) []string {
		from := files
		if dir == "" {
			from = "" // the key: what they say counts, not where they lie
		}
		return []string{
			"--variant=minbase", "--format=tar", "--skip=output/dev", "--include=" + nodePackages,
			"--customize-hook=copy-in " + from + " /opt",
			"--customize-hook=" + hook("# "+content+"\n"+settle),
		}
	}), nil
}

// controlPlane is the root file system of the control plane's images, without the programs.
func (h Host) controlPlane() (part, error) {
	trim, err := h.file("node", "trim")
	if err != nil {
		return part{}, err
	}
	return h.bootstrapped(part{
		name: "control-plane", what: "node image: extracting iptables and nftables for kube-proxy", note: "half a minute, once",
		size: 30 << 20, scratch: 150 << 20,
	}, "root.tar", func(string) []string {
		return []string{"--variant=extract", "--format=tar", "--skip=output/dev", "--include=" + controlPlanePackages, "--extract-hook=" + hook(trim)}
	}), nil
}

// treeContent is a digest of what a directory's files say.
func treeContent(dir string) (string, error) {
	var all strings.Builder
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		below, failed := filepath.Rel(dir, file)
		all.WriteString(key(below, string(text)))
		return errors.Join(err, failed)
	})
	return key(all.String()), err
}

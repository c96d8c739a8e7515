package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"podproof.dev/hack/internal/archive"
)

// suite is Debian 12. A later systemd refuses cgroup v1, which the node must run on as well.
const suite = "bookworm"

const debianPackages = "ca-certificates,tzdata"

// The packages that stand for the FastAPI example's requirements.txt and requirements-dev.txt.
const (
	pythonPackages = "debian-packages.txt"
	testPackages   = "debian-packages-dev.txt"
)

// packages reads such a list: a name a line, with comments.
func (h Host) packages(file string) (string, error) {
	text, err := h.file("..", "examples", "fastapi", file)
	if err != nil {
		return "", err
	}
	var names []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		names = append(names, strings.Fields(line)...)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("examples/fastapi/%s names no package", file)
	}
	return strings.Join(names, " "), nil
}

// quick speeds installing up: what is installed is thrown away when it is incomplete, so nothing needs syncing.
var quick = []string{"--dpkgopt=force-unsafe-io", `--aptopt=Acquire::Languages "none"`, `--aptopt=APT::Install-Recommends "false"`}

// debian makes three layers in one go, each on top of the one before: debian.tar, python.tar, python-dev.tar.
func (h Host) debian() (part, error) {
	script, err := h.file("debian", "layer")
	if err != nil {
		return part{}, err
	}
	python, err := h.packages(pythonPackages)
	if err != nil {
		return part{}, err
	}
	tests, err := h.packages(testPackages)
	if err != nil {
		return part{}, err
	}
	args := func(dir string) []string {
		install := func(packages string) string {
			return `--customize-hook=chroot "$1" apt-get install --yes --quiet ` + packages
		}
		save := func(name string) []string {
			return []string{
				"--customize-hook=" + hook(script, name),
				"--customize-hook=download /layers/" + name + ".tar " + filepath.Join(dir, name+".tar"),
			}
		}
		list := []string{"--variant=minbase", "--format=null", "--skip=chroot/start-stop-daemon", "--include=" + debianPackages}
		list = append(list, save("debian")...)
		list = append(append(list, install(python)), save("python")...)
		return append(append(list, install(tests)), save("python-dev")...)
	}
	p := part{
		name: "debian", what: "Debian " + suite + " and its Python packages: installing", note: "about a minute, once",
		size: 200 << 20, scratch: 500 << 20,
	}
	return h.bootstrapped(p, "/dev/null", args), nil
}

// bootstrapped is a part that mmdebstrap makes: target, or what its arguments say, in the part's directory.
func (h Host) bootstrapped(p part, target string, args func(dir string) []string) part {
	p.key = key(append(args(""), h.Go["GOARCH"], suite, target)...)
	p.build = func(ctx context.Context, b *Builder, dir string) error {
		out := target
		if !filepath.IsAbs(out) {
			out = filepath.Join(dir, out)
		}
		return b.bootstrap(ctx, args(dir), out)
	}
	return p
}

// hook is a script as mmdebstrap takes it: it passes the root file system's path, to which more arguments are added.
// The text itself is passed, since not every user that mmdebstrap becomes can read the repository.
func hook(script string, arguments ...string) string {
	return `set -- "$1" ` + strings.Join(arguments, " ") + "\n" + strings.TrimSpace(script)
}

// bootstrap runs mmdebstrap, which it installs if need be.
func (b *Builder) bootstrap(ctx context.Context, args []string, target string) error {
	if err := b.needMmdebstrap(ctx); err != nil {
		return err
	}
	args = append(append(append([]string{"--quiet"}, quick...), args...), suite, target)
	if mirror := os.Getenv("PODPROOF_DEBIAN_MIRROR"); mirror != "" {
		args = append(args, mirror)
	}
	// Settings of this shell, such as PYTHONDONTWRITEBYTECODE, must not show in what packages install; and the
	// system's own Python runs mmdebstrap's helpers, not one from a version manager.
	clean := []string{path, "HOME=/", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	for _, name := range []string{"TMPDIR", "http_proxy", "https_proxy", "no_proxy"} {
		if value, set := os.LookupEnv(name); set {
			clean = append(clean, name+"="+value)
		}
	}
	_, err := run(ctx, clean, "mmdebstrap", args...)
	return err
}

func (b *Builder) needMmdebstrap(ctx context.Context) error {
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("building from Debian's packages needs mmdebstrap, and this host has no apt-get to install it with: install mmdebstrap, or load the official images into the engine (docker load)")
	}
	var sudo []string
	if os.Geteuid() != 0 {
		if _, err := exec.LookPath("sudo"); err != nil {
			return errors.New("building from Debian's packages needs mmdebstrap: as root, run: apt-get install mmdebstrap debian-archive-keyring")
		}
		sudo = []string{"sudo", "--non-interactive"} // a password cannot be asked for from here
	}
	for _, args := range [][]string{{"update", "--quiet"}, {"install", "--yes", "--quiet", "mmdebstrap", "debian-archive-keyring"}} {
		line := append(append(sudo[:len(sudo):len(sudo)], "apt-get"), args...)
		b.Log.Say("mmdebstrap is missing: %s", strings.Join(line, " "))
		if err := command(ctx, []string{"DEBIAN_FRONTEND=noninteractive"}, line[0], line[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// path is what a shell in the official images finds programs in.
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Python is the base image of the FastAPI example: the interpreter and the app's dependencies, without tests.
func (h Host) Python() (Image, error) { return h.python("python") }

// PythonDev is Python with pytest: what a production image must not be built on.
func (h Host) PythonDev() (Image, error) { return h.python("python-dev") }

func (h Host) python(name string) (Image, error) {
	debian, err := h.debian()
	if err != nil {
		return Image{}, err
	}
	link := archive.Entry{Name: "usr/local/bin/python", Link: "/usr/bin/python3"}
	return Image{
		Name: name, Key: key(debian.key, name, link.Name),
		config: archive.Config{Env: []string{path, "LANG=C.UTF-8"}, Cmd: []string{"python3"}},
		parts:  []part{debian},
		layers: func(dirs []string) ([]archive.Layer, error) {
			python, err := archive.Small([]archive.Entry{link})
			layers := []archive.Layer{archive.File(dirs[0] + "/debian.tar"), archive.File(dirs[0] + "/python.tar"), python}
			if name == "python-dev" {
				layers = append(layers, archive.File(dirs[0]+"/python-dev.tar"))
			}
			return layers, err
		},
	}, nil
}

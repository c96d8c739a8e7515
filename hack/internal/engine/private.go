package engine

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"podproof.dev/hack/internal/cache"
)

// private is an engine of ours beside the machine's own. What must last is in state; sockets, the PID file and
// mounts are in run, whose path is short enough for a socket and which a reboot empties.
type private struct {
	state, run string
	id         string // tells engines of different users apart: in names of the bridge and of namespaces
}

func newPrivate() (private, error) {
	state, err := cache.Dir("engine")
	if err != nil {
		return private{}, err
	}
	id := fmt.Sprintf("%x", sha256.Sum256([]byte(state)))[:8]
	return private{state: state, run: "/run/podproof/" + id, id: id}, nil
}

func (p private) socket() string   { return filepath.Join(p.run, "docker.sock") }
func (p private) host() string     { return "unix://" + p.socket() }
func (p private) config() string   { return filepath.Join(p.state, "daemon.json") }
func (p private) log() string      { return filepath.Join(p.state, "log") }
func (p private) lockFile() string { return filepath.Join(filepath.Dir(p.state), "engine.lock") }

// answers says whether the engine is up. One line of HTTP does not deserve to compile a whole client for.
func (p private) answers() bool {
	conn, err := net.DialTimeout("unix", p.socket(), 2*time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n"); err != nil {
		return false
	}
	status, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && strings.Contains(status, " 200 ")
}

// start brings the engine up and returns when it answers. dockerd gets a session of its own, so that neither
// Ctrl-C nor the end of the terminal reaches it.
func (p private) start(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return errors.New("that needs root: run it as root once (sudo -E hack/engine ensure), or set DOCKER_HOST to an engine that can run privileged containers")
	}
	for _, tool := range []string{"dockerd", "runc", "ip", "iptables"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("it needs the command %s, which is not on PATH: install it, or set DOCKER_HOST to an engine that can run privileged containers", tool)
		}
	}
	if pid := p.daemon(); pid != 0 {
		if err := end(pid, 15*time.Second); err != nil { // it is there and does not answer
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join(p.run, "pid")); err != nil {
		return err
	}
	if err := os.MkdirAll(p.run, 0o711); err != nil {
		return err
	}
	network, err := p.connect()
	if err != nil {
		return err
	}
	if err := p.buildRuntime(ctx); err != nil {
		return err
	}
	if err := p.writeConfig(network); err != nil {
		return err
	}
	log, err := os.Create(p.log())
	if err != nil {
		return err
	}
	defer log.Close()
	if err := moreFiles(); err != nil {
		return err
	}
	daemon := exec.Command("dockerd", "--config-file="+p.config())
	daemon.Stdout, daemon.Stderr, daemon.Dir = log, log, "/"
	daemon.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := daemon.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	return p.untilUp(ctx, daemon.Process, ended)
}

// moreFiles lets the engine, and so containers, open as many files as this process may at most. A login shell's
// usual limit of 1024 is too low for a node.
func moreFiles() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// untilUp waits for the engine's first answer, or for the end of its process.
func (p private) untilUp(ctx context.Context, daemon *os.Process, ended <-chan error) error {
	tick := time.NewTicker(50 * time.Millisecond) // a socket offers nothing to watch before it listens
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		select {
		case <-ended:
			return p.whyEnded()
		case <-deadline:
			return errors.Join(fmt.Errorf("dockerd does not answer on %s after a minute; its log: %s", p.socket(), p.log()), end(daemon.Pid, 5*time.Second))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), end(daemon.Pid, 15*time.Second))
		case <-tick.C:
			if p.answers() {
				return nil
			}
		}
	}
}

// whyEnded makes an error of the last lines that dockerd wrote.
func (p private) whyEnded() error {
	text, err := os.ReadFile(p.log())
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	last := strings.Join(lines[max(0, len(lines)-3):], "\n")
	if strings.Contains(last, "overlay2") || strings.Contains(last, "driver not supported") {
		return fmt.Errorf("dockerd ended: the file system of %s cannot hold overlay2 layers: set XDG_CACHE_HOME to a directory on ext4 or xfs\n%s", p.state, last)
	}
	return fmt.Errorf("dockerd ended; its last lines (all of them: %s):\n%s", p.log(), last)
}

// buildRuntime compiles the OCI runtime that asks for no more capabilities than the host can grant.
func (p private) buildRuntime(ctx context.Context) error {
	build := exec.CommandContext(ctx, "go", "build", "-C", os.Getenv("PODPROOF_HACK"), "-trimpath", "-o", filepath.Join(p.state, "bounded"), "./cmd/bounded")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %s", strings.Join(build.Args, " "), said)
	}
	return nil
}

func (p private) writeConfig(net network) error {
	config, err := json.MarshalIndent(map[string]any{
		"hosts":           []string{p.host()},
		"data-root":       filepath.Join(p.state, "root"),
		"exec-root":       filepath.Join(p.run, "exec"),
		"pidfile":         filepath.Join(p.run, "pid"),
		"storage-driver":  "overlay2",
		"runtimes":        map[string]any{"bounded": map[string]string{"path": filepath.Join(p.state, "bounded")}},
		"default-runtime": "bounded",
		"bridge":          net.bridge,
		"mtu":             net.mtu,
		// A second engine that wrote iptables rules would rewrite the chains of the first.
		"iptables":              false,
		"default-address-pools": []map[string]any{{"base": net.pool().String(), "size": 24}},
		// The machine's containerd may serve both: without names of its own, each would see the other's containers.
		"containerd-namespace":         "podproof-" + p.id,
		"containerd-plugins-namespace": "podproof-plugins-" + p.id,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(p.config(), append(config, '\n'), 0o644)
}

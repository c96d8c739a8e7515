package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"podproof.dev/hack/internal/images"
	"podproof.dev/hack/internal/standin"
)

// peers are kind's own program, and a script that verifies by hand. What they make is named for the run, and the
// user's kubeconfig is never touched.
type peers struct {
	bench
	script    string // may be empty
	nodeImage string
}

// kindModule is compiled in the version that podproof is made with.
const kindModule = "sigs.k8s.io/kind"

// prepare gets the programs, and for a script the image and the cluster that it finds.
func (p *peers) prepare(ctx context.Context) error {
	host, err := standin.ThisHost(ctx, hack())
	if err != nil {
		return err
	}
	if p.nodeImage = os.Getenv("PODPROOF_NODE_IMAGE"); p.nodeImage == "" {
		if p.nodeImage, err = images.KindNode(host.Kind); err != nil {
			return err
		}
	}
	if err := p.install(ctx, kindModule+"@"+host.Kind.Version); err != nil || p.script == "" {
		return err
	}
	if err := p.tools(ctx); err != nil {
		return err
	}
	if _, err := p.do(ctx, p.program(p.podproof, "build", "-f", filepath.Join(p.root, "podproof.yaml"))); err != nil {
		return err
	}
	if _, err = p.do(ctx, p.create(p.named("up"))); err != nil {
		return err
	}
	return p.pause(ctx)
}

// pause has the script's cluster take no CPU while others are measured: an idle one takes half a core.
func (p peers) pause(ctx context.Context) error {
	_, err := p.do(ctx, p.program("docker", "pause", p.named("up")+"-control-plane"))
	return err
}

// resume has it answer again.
func (p peers) resume(ctx context.Context) error {
	for _, c := range [][]string{
		{"docker", "unpause", p.named("up") + "-control-plane"},
		{p.kubectl(), "--kubeconfig", p.kubeconfig(p.named("up")), "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s"},
	} {
		if _, err := p.do(ctx, p.program(c...)); err != nil {
			return err
		}
	}
	return nil
}

// kubectl is the one of PATH, or that of the node image.
func (p peers) kubectl() string {
	if own, err := executable(filepath.Join(p.dir, "kubectl")); err == nil {
		return own
	}
	return "kubectl"
}

// tools looks for what a script calls. kubectl is in the node image, too.
func (p *peers) tools(ctx context.Context) error {
	var missing []string
	for _, tool := range []string{"docker", "jq", "bc"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing = append(missing, tool)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the script calls %s, which PATH has not: install it, or leave out -script", strings.Join(missing, " and "))
	}
	if _, err := exec.LookPath("kubectl"); err == nil {
		return nil
	}
	container, err := p.do(ctx, p.program("docker", "create", p.nodeImage, "kubectl"))
	if err != nil {
		return fmt.Errorf("the script calls kubectl, which PATH has not, and it cannot be taken out of the node image: %w", err)
	}
	_, err = p.do(ctx, p.program("docker", "cp", "--follow-link", container+":/usr/bin/kubectl", filepath.Join(p.dir, "kubectl")))
	return errors.Join(err, removing(ctx, func(ctx context.Context) error {
		_, err := p.do(ctx, p.program("docker", "rm", container))
		return err
	}))
}

// named is the name of a cluster of this run's.
func (p peers) named(what string) string {
	return strings.TrimPrefix(filepath.Base(p.dir), "podproof-") + "-" + what
}

func (p peers) kubeconfig(cluster string) string {
	return filepath.Join(p.dir, cluster+".kubeconfig")
}

// settings are what kind is told as podproof tells it: its config, and a network of its own.
func (p peers) settings() (config, network string) {
	return filepath.Join(hack(), "bench", "kind.yaml"), p.named("network")
}

func (p peers) kind(args ...string) command {
	c := p.program(append([]string{filepath.Join(p.dir, "kind")}, args...)...)
	_, network := p.settings()
	c.env = []string{"KIND_EXPERIMENTAL_DOCKER_NETWORK=" + network}
	return c
}

func (p peers) create(cluster string) command {
	config, _ := p.settings()
	return p.kind("create", "cluster", "--name", cluster, "--image", p.nodeImage, "--config", config, "--kubeconfig", p.kubeconfig(cluster), "--wait", "120s")
}

func (p peers) delete(ctx context.Context, cluster string) error {
	_, err := p.do(ctx, p.kind("delete", "cluster", "--name", cluster, "--kubeconfig", p.kubeconfig(cluster)))
	return err
}

// remove takes away what is there for all runs.
func (p peers) remove(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(p.dir, "kind")); err != nil {
		return nil // nothing was made
	}
	_, network := p.settings()
	err := p.delete(ctx, p.named("up"))
	there, asked := p.do(ctx, p.program("docker", "network", "ls", "--quiet", "--filter", "name=^"+network+"$"))
	if asked == nil && there != "" {
		_, asked = p.do(ctx, p.program("docker", "network", "rm", network))
	}
	return errors.Join(err, asked)
}

// tasks are kind alone, and the script in a cluster that it makes and in one that is there.
func (p peers) tasks() []task {
	alone := p.named("alone")
	tasks := []task{{
		name:    "`kind create cluster --wait` alone",
		command: p.create(alone),
		after:   func(ctx context.Context) error { return p.delete(ctx, alone) },
		remark: func(end finish) []string {
			if strings.Contains(end.said, "Timed out waiting for Ready") { // for kind that is no error
				return []string{"over before the node was Ready"}
			}
			return nil
		},
	}}
	if p.script != "" {
		up := p.named("up")
		tasks = append(tasks,
			task{name: "the script, fresh cluster", command: p.byScript(p.kubeconfig("script"))},
			task{name: "the script, cluster up", command: p.byScript(p.kubeconfig(up), "CLUSTER="+up), before: p.resume, after: p.pause})
	}
	return tasks
}

// byScript is a run of the script. Files that it makes without removing them go with this run's folder.
func (p peers) byScript(kubeconfig string, more ...string) command {
	config, network := p.settings()
	postgres := os.Getenv("POSTGRES_IMAGE")
	if postgres == "" {
		postgres = "postgres:16-alpine"
	}
	return command{dir: p.dir, args: []string{p.script}, env: append([]string{
		"PATH=" + p.dir + string(os.PathListSeparator) + os.Getenv("PATH"), "TMPDIR=" + p.dir,
		"IMAGE=" + reactbin, "NODE_IMAGE=" + p.nodeImage, "PG_IMAGE=" + postgres,
		"KIND_CONFIG=" + config, "KIND_EXPERIMENTAL_DOCKER_NETWORK=" + network,
		"KUBECONFIG=" + kubeconfig, "BASELINE_KUBECONFIG=" + kubeconfig,
	}, more...)}
}

// executable is a file that can be run from any folder.
func executable(file string) (string, error) {
	path, err := filepath.Abs(file)
	if err == nil {
		_, err = exec.LookPath(path)
	}
	if err != nil {
		return "", fmt.Errorf("-script %s: give the name of a file that can be executed: %w", file, err)
	}
	return path, nil
}

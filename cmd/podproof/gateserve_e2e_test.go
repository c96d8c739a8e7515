//go:build e2e

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// gated is a cluster with the gate in it, and a namespace that asks for it.
type gated struct {
	somebodysCluster
	podproof string
}

// tries runs kubectl, which may be refused.
func (g gated) tries(stdin string, args ...string) (said string, ok bool) {
	g.t.Helper()
	x := exec.Command("docker", append([]string{"exec", "-i", sharedCluster + "-control-plane", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
	x.Stdin = strings.NewReader(stdin)
	out, err := x.CombinedOutput()
	return string(out), err == nil
}

// until waits for something, and says at the end what there was instead.
func (g gated) until(within time.Duration, what string, look func() (string, bool)) {
	g.t.Helper()
	said := ""
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(time.Second) {
		ok := false
		if said, ok = look(); ok {
			return
		}
	}
	g.t.Errorf("not within %s: %s: %s", within, what, said)
}

// image is podproof's own under another configuration, by its digest.
func (g gated) image(as string) string {
	g.t.Helper()
	from, err := name.ParseReference(g.podproof)
	if err != nil {
		g.t.Fatal(err)
	}
	img, err := remote.Image(from, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))
	if err != nil {
		g.t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		g.t.Fatal(err)
	}
	c = c.DeepCopy()
	c.Config.Labels = map[string]string{"as": as}
	if img, err = mutate.ConfigFile(img, c); err != nil {
		g.t.Fatal(err)
	}
	to, err := name.ParseReference(g.registry + "/shop/" + as + ":1")
	if err == nil {
		err = remote.Write(to, img)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		g.t.Fatal(err)
	}
	return g.registry + "/shop/" + as + "@" + d.String()
}

// prove attests a run of it.
func (g gated) prove(image, key string) {
	g.t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		g.t.Fatal(err)
	}
	img, err := remote.Image(ref)
	if err != nil {
		g.t.Fatal(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		g.t.Fatal(err)
	}
	rec := goodRun(g.t)
	rec.Evidence.Image.ID, rec.Evidence.Run.Platform = id.String(), "linux/"+runtime.GOARCH
	file := filepath.Join(g.t.TempDir(), "run.json")
	writeRecord(g.t, file, rec)
	podproof(g.t, nil, "attest", file, image, "--key", key).want(g.t, exitPass, "Attested ")
}

// waiting runs an image that waits until it is stopped; nowhere keeps its pods from nodes, of which there are not enough.
func waiting(name, image string, replicas int, nowhere bool) string {
	where := ""
	if nowhere {
		where = ", nodeSelector: {there: is-none}"
	}
	return `{apiVersion: apps/v1, kind: Deployment, metadata: {name: ` + name + `, namespace: shop}, spec: {replicas: ` + strconv.Itoa(replicas) + `, selector: {matchLabels: {app: ` + name + `}}, template: {metadata: {labels: {app: ` + name + `}}, spec: {terminationGracePeriodSeconds: 1, containers: [{name: app, image: "` + image + `", args: [agent, proxy, "9000=127.0.0.1:9"]}]` + where + `}}}}
`
}

// pods counts those of a Deployment.
func (g gated) pods(deployment string) int {
	g.t.Helper()
	return len(strings.Fields(g.kubectl("", "get", "pods", "-n", "shop", "-l", "app="+deployment, "-o", "name")))
}

// refused waits until a Deployment says that its pods are, with a text.
func (g gated) refused(deployment, text string) {
	g.t.Helper()
	g.until(4*time.Minute, deployment+" says "+text, func() (string, bool) {
		said, _ := g.tries("", "get", "deployment", deployment, "-n", "shop", "-o", `jsonpath={.status.conditions[?(@.type=="ReplicaFailure")].message}`)
		return said, strings.Contains(said, text)
	})
	if n := g.pods(deployment); n != 0 {
		g.t.Errorf("%s has %d pods", deployment, n)
	}
}

// restarted has the gate start anew, so that it remembers nothing.
func (g gated) restarted() {
	g.t.Helper()
	g.kubectl("", "rollout", "restart", "-n", "podproof-gate", "deployment/podproof-gate")
	g.kubectl("", "rollout", "status", "-n", "podproof-gate", "deployment/podproof-gate", "--timeout=4m")
}

// Nothing unproven ever runs, and nothing proven is lost: the gate as manifests/gate installs it.
func theGate(t *testing.T) {
	g := gated{somebodysCluster: withRegistry(t, authn.AuthConfig{}, sharedCluster+"-control-plane")}
	g.registry = g.gateway // by which pods reach it, too
	g.podproof = g.registry + "/podproof:e2e"
	podproof(t, nil, "agent", "push", g.podproof).want(t, exitPass)
	keys := filepath.Join(t.TempDir(), "podproof")
	writeKeys(t, keys)
	public, err := os.ReadFile(keys + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	good, bad := g.image("proven"), g.image("unproven")
	g.prove(good, keys+".key")

	// What was there before the namespace asked goes on, and gets no pod more.
	g.while(t, "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
	g.kubectl(waiting("before", bad, 0, false)+"---\n"+waiting("many-unproven", bad, 0, true), "apply", "-f", "-")
	g.while(t, strings.ReplaceAll(kustomized(t, filepath.Join(checkout, "manifests", "gate")), "podproof.dev/podproof:latest", g.podproof))
	g.kubectl(string(public), "create", "configmap", "podproof-keys", "-n", "podproof-gate", "--from-file=podproof.pub=/dev/stdin")
	g.kubectl("", "rollout", "status", "-n", "podproof-gate", "deployment/podproof-gate", "--timeout=4m")
	g.kubectl("", "label", "namespace", "shop", "podproof.dev/gate=enforce")
	g.until(2*time.Minute, "the gate answers through its Service", func() (string, bool) { // kube-proxy follows the pods' readiness
		said, _ := g.tries(waiting("unproven", bad, 1, false), "apply", "--dry-run=server", "-f", "-")
		return said, strings.Contains(said, "no statement is stored beside ")
	})

	t.Run("unproven", func(t *testing.T) {
		g := g
		g.t = t
		for what, o := range map[string]string{
			"no statement is stored beside " + bad: waiting("unproven", bad, 1, false),
			"an image must be named by its digest": waiting("tagged", g.registry+"/shop/proven:1", 1, false),
		} {
			if said, ok := g.tries(o, "apply", "-f", "-"); ok || !strings.Contains(said, "gate.podproof.dev") || !strings.Contains(said, what) {
				t.Errorf("admitted %v: %s", ok, said)
			}
		}
		g.kubectl("", "scale", "deployment/before", "-n", "shop", "--replicas=1")
		g.refused("before", "podproof attest run.json "+bad)
	})
	t.Run("proven", func(t *testing.T) {
		g := g
		g.t = t
		g.kubectl(waiting("proven", good, 1, false)+"---\n"+waiting("many", good, 0, true), "apply", "-f", "-")
		g.kubectl("", "rollout", "status", "-n", "shop", "deployment/proven", "--timeout=2m")
		pod := g.kubectl("", "get", "pods", "-n", "shop", "-l", "app=proven", "-o", "name")
		if said, ok := g.tries("", "debug", "-n", "shop", pod, "--image="+bad, "--quiet", "--attach=false"); ok || !strings.Contains(said, "ephemeral container") {
			t.Errorf("an unproven container may be beside it: %s", said)
		}
	})
	t.Run("without the gate", func(t *testing.T) {
		g := g
		g.t = t
		g.kubectl("", "scale", "-n", "podproof-gate", "deployment/podproof-gate", "--replicas=0")
		g.until(2*time.Minute, "no gate", func() (string, bool) {
			left := g.kubectl("", "get", "pods", "-n", "podproof-gate", "-o", "name")
			return left, left == ""
		})
		g.kubectl("", "delete", "pods", "-n", "shop", "-l", "app=proven")
		g.refused("proven", "failed calling webhook")
		g.kubectl("", "scale", "-n", "podproof-gate", "deployment/podproof-gate", "--replicas=2")
		g.kubectl("", "rollout", "status", "-n", "podproof-gate", "deployment/podproof-gate", "--timeout=4m")
		g.kubectl("", "rollout", "status", "-n", "shop", "deployment/proven", "--timeout=5m")
	})
	t.Run("without its registry", func(t *testing.T) {
		g := g
		g.t = t
		g.away.Store(true) // before it starts anew: what was refused earlier asks again at any time, and would be remembered
		defer g.away.Store(false)
		g.restarted()
		g.kubectl("", "scale", "deployment/many", "deployment/many-unproven", "-n", "shop", "--replicas=200")
		for _, d := range []string{"many", "many-unproven"} {
			g.refused(d, "so that it is refused for now")
		}
		g.away.Store(false)
		g.until(6*time.Minute, "200 pods of what is proven", func() (string, bool) {
			n := g.pods("many")
			return strconv.Itoa(n), n == 200
		})
		// A ReplicaSet keeps the words of its first refusal (pkg/controller/replicaset, calculateStatus): another one asks anew.
		if said, ok := g.tries(waiting("unproven", bad, 1, false), "apply", "-f", "-"); ok || !strings.Contains(said, "no statement is stored beside ") {
			t.Errorf("admitted %v: %s", ok, said)
		}
		if n := g.pods("many-unproven"); n != 0 {
			t.Errorf("%d unproven pods run", n)
		}
		g.kubectl("", "scale", "deployment/many", "deployment/many-unproven", "-n", "shop", "--replicas=0")
	})
	t.Run("restarted under load", func(t *testing.T) {
		g := g
		g.t = t
		g.until(2*time.Minute, "no pods of before", func() (string, bool) { return "", g.pods("many") == 0 })
		g.kubectl("", "rollout", "restart", "-n", "podproof-gate", "deployment/podproof-gate")
		g.kubectl("", "scale", "deployment/many", "deployment/many-unproven", "-n", "shop", "--replicas=200")
		g.until(4*time.Minute, "200 pods of what is proven", func() (string, bool) {
			n := g.pods("many")
			return strconv.Itoa(n), n == 200
		})
		g.refused("many-unproven", "no statement is stored beside ")
		g.kubectl("", "rollout", "status", "-n", "podproof-gate", "deployment/podproof-gate", "--timeout=4m")
	})
	if log := g.kubectl("", "logs", "-n", "podproof-gate", "-l", "app.kubernetes.io/name=podproof-gate", "--tail=-1"); strings.Contains(log, "panic") || strings.Contains(log, "not trusted") {
		t.Errorf("the gate says\n%s", log)
	}
}

//go:build e2e && nodes

package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/mutants"
)

// outagesInPlace tells that a dependency is taken away in a namespace that stays, too. Until then the
// checks of outageChecks are not tried there.
const outagesInPlace = true

// outageChecks are those that look at a dependency that is away.
var outageChecks = []string{"startup/waits-for-database", "probes/readiness-tells-the-truth", "probes/liveness-survives-outage", "database/*", "termination/exit-under-outage"}

// guarded is what a namespace of strict has more: nobody in it may talk to anybody, and who is not
// said to be somebody else pulls with a password.
const guarded = `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: default-deny, namespace: strict}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}
---
{apiVersion: v1, kind: Secret, metadata: {name: registry, namespace: strict}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: 'CREDENTIALS'}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: strict}, imagePullSecrets: [{name: registry}]}
`

// strictRow is an image of the truth table that is tried there. Away tells that its fault shows where a
// dependency is away.
type strictRow struct {
	name string
	away bool
}

var strictRows = []strictRow{{name: "reactbin"}, {name: "fastapi"}, {name: "redis-backed"},
	{name: "exits-one-on-sigterm"}, {name: "runs-without-owner"}, {name: "closes-its-pool-first"}, {name: "prints-its-settings"}, {name: "one-connection-for-life", away: true}}

// rarelyUsed are the rights that a run asks for and that no run in this cluster need use, and why.
var rarelyUsed = map[string]string{
	"create pods/exec":                     "the API server asks for it itself when it is asked to get it, and logs one request",
	"update configmaps/finalizers":         "only the admission plugin OwnerReferencesPermissionEnforcement asks for it, which kind does not have",
	"list events":                          "a watch begins with what is there (WatchList), and only an API server that does not do that is asked for a list",
	"list endpointslices.discovery.k8s.io": "the same",
	"list poddisruptionbudgets.policy":     "only where a budget forbids an eviction is it looked for",
}

// strictRun is a namespace of a cluster of three nodes, and who verifies there.
type strictRun struct {
	somebodysCluster
	agent, kubeconfig string
	env               []string
	images            map[string]string // of the manifests → in the registry
}

func newStrictRun(t *testing.T) strictRun {
	t.Helper()
	c := lendThreeNodes(t)
	r := strictRun{somebodysCluster: c, agent: c.registry + "/podproof:e2e", env: append(c.login(), "PODPROOF_SET_IMAGE=")}
	podproof(t, r.env, "agent", "push", r.agent).want(t, exitPass, c.registry+"/podproof@sha256:")
	c.kubectl(strings.ReplaceAll(strict, "AGENT", r.agent)+"---\n"+strings.ReplaceAll(guarded, "CREDENTIALS", c.credentials()), "apply", "-f", "-")
	c.police("strict")
	r.kubeconfig = c.kubeconfig("strict", "podproof")
	r.images = map[string]string{"postgres:16-alpine": c.push(os.Getenv("POSTGRES_IMAGE"), "postgres:16"), "redis:7-alpine": c.push(os.Getenv("REDIS_IMAGE"), "redis:7")}
	return r
}

// flags are those of a run there, of which `podproof rbac` knows the first ones.
func (r strictRun) flags(image mutants.Image, skip ...string) []string {
	args := []string{"-f", filepath.Join("mutants", image.Contract), "-n", "strict", "--open-network"}
	for _, glob := range image.Only {
		args = append(args, "--only", glob)
	}
	for _, glob := range append(image.Skip, skip...) {
		args = append(args, "--skip", glob)
	}
	return args
}

func (r strictRun) where(kubeconfig string) []string {
	args := []string{"--cluster", "current", "--kubeconfig", kubeconfig, "--agent-image", r.agent}
	for from, to := range r.images {
		args = append(args, "--set-image", from+"="+to)
	}
	return args
}

// with is the run for one of the tests below another.
func (r strictRun) with(t *testing.T) strictRun {
	r.t = t
	return r
}

// rows are the images of the table that are tried, without what only the whole table needs.
func rows(t *testing.T) (out []mutants.Image) {
	t.Helper()
	table, err := mutants.Truth()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range strictRows {
		i := slices.IndexFunc(table, func(image mutants.Image) bool { return image.Name == r.name })
		if i < 0 {
			t.Fatalf("the truth table has no %s", r.name)
		}
		if r.away && !outagesInPlace {
			continue
		}
		image := table[i]
		if image.Name == "reactbin" {
			image.Only = nil
		}
		out = append(out, image)
	}
	return out
}

// pushed builds an image, with those that it is built on, and pushes it.
func (r strictRun) pushed(image mutants.Image, built map[string]bool) string {
	r.t.Helper()
	table, err := mutants.Truth()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, name := range []string{image.Base, image.Name} {
		for _, x := range table {
			c, err := loadContract(filepath.Join(root, "mutants", x.Contract))
			if err != nil {
				r.t.Fatal(err)
			}
			if x.Name == name && c.Build != nil && !built[name] {
				podproof(r.t, nil, "build", "-f", filepath.Join("mutants", x.Contract)).want(r.t, exitPass)
				built[name] = true
			}
		}
	}
	c, err := loadContract(filepath.Join(root, "mutants", image.Contract))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.push(c.Image, image.Name+":1")
}

// In a strict namespace of a cluster of three nodes the images get the verdicts that they get anywhere,
// with the rights that are printed for each, which are used, and nothing is there afterwards.
func TestThreeNodesOfSomebodyElsesCluster(t *testing.T) {
	r := newStrictRun(t)
	look := func() string { return r.kubectl("", "get", everything, "-A", "-o", "name") }
	var skip []string
	if !outagesInPlace {
		skip = outageChecks
	}
	skip = append(skip, "build/*")
	// The roles of the account change with the images, and are there from the beginning.
	roles := func(image mutants.Image) string {
		f := podproof(t, r.env, append([]string{"rbac", "--service-account", "strict/podproof"}, r.flags(image, skip...)...)...)
		f.want(t, exitPass, "kind: Role")
		return f.stdout
	}
	images := rows(t)
	r.kubectl(roles(images[0]), "apply", "-f", "-")
	before := look()
	built := map[string]bool{}
	var printed []right
	used := map[right]string{}
	for _, image := range images {
		t.Run(image.Name, func(t *testing.T) {
			r := r.with(t)
			began := time.Now()
			role := roles(image)
			r.kubectl(role, "apply", "-f", "-")
			ref := r.pushed(image, built)
			from := r.audited()
			ready := time.Now()
			r.verdicts(image, ref, skip)
			t.Logf("%.0f s, of them %.0f s before podproof began", time.Since(began).Seconds(), ready.Sub(began).Seconds())
			own := rightsOf(t, role)
			printed = append(printed, own...)
			for u, request := range r.used(from) {
				used[u] = request
				if !slices.ContainsFunc(own, func(p right) bool { return p.gives(u) }) {
					t.Errorf("%s is used and not printed (%s)", u, request)
				}
			}
		})
	}
	compareRights(t, printed, used, rarelyUsed)
	if after := look(); after != before {
		t.Errorf("the cluster is not as it was:\n%s\nbefore:\n%s", after, before)
	}
	t.Run("as a Job", func(t *testing.T) { asAJob(r.with(t), images[0]) })
	t.Run("without a right", func(t *testing.T) { withoutARight(r.with(t), images[0], skip) })
	t.Run("a drained node", func(t *testing.T) { drained(r.with(t), images[0], skip) })
	t.Run("a token that ends", func(t *testing.T) { tokenThatEnds(r.with(t), images[0], skip) })
	t.Run("what is there", func(t *testing.T) { whatIsThere(r.with(t), images[0], skip) })
	wantClean(t)
}

// verdicts verifies an image, and wants the verdicts of the table.
func (r strictRun) verdicts(image mutants.Image, ref string, skip []string) {
	r.t.Helper()
	js := filepath.Join(r.t.TempDir(), "report.json")
	args := slices.Concat([]string{"verify", "-o", "json=" + js, "-o", "terminal"}, r.flags(image, skip...), r.where(r.kubeconfig), []string{ref})
	f := podproof(r.t, r.env, args...)
	f.want(r.t, cmp.Or(map[bool]int{len(image.Fails) > 0: exitFail}[true], map[bool]int{len(image.Inconclusive) > 0: exitInconclusive}[true]))
	if len(image.Only) == 0 && !strings.Contains(f.stdout+f.stderr, "container mesh is injected") { // a selection need not ask for it
		r.t.Error("it does not say that a container is injected")
	}
	if r.t.Failed() {
		return
	}
	report := verdicts(r.t, js)
	for status, want := range map[check.Status][]string{check.Fail: image.Fails, check.Inconclusive: image.Inconclusive} {
		if got, want := with(report, status), slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
			r.t.Errorf("%s: %v, want %v\n%s", status, got, want, f.stdout)
		}
	}
}

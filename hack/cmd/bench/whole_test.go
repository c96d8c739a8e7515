package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestWholeRunsBesideTheirPeers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "podproof-bench-1")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// One of both in a warm cluster finds none that waits.
	fake(t, dir+"/podproof", `for a; do case $a in *record-*) echo '{}' >"${a%\{*}1.json";; esac; done
case $* in *"cluster warm --only"*) exit 3;; *warm*) echo "Resumed the warm cluster podproof-1";; esac`)
	fake(t, dir+"/kind", `echo "$KIND_EXPERIMENTAL_DOCKER_NETWORK: Timed out waiting for Ready"`)
	fake(t, dir+"/script", `echo "$CLUSTER/$IMAGE/$NODE_IMAGE/$PG_IMAGE/${KIND_CONFIG##*/}/$KUBECONFIG" >>"${0%/*}/given"; command -v kind >/dev/null`)
	fake(t, dir+"/docker", ``)
	fake(t, dir+"/kubectl", ``)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("POSTGRES_IMAGE", "postgres:mine")
	b := bench{root: t.TempDir(), dir: dir, podproof: dir + "/podproof", runs: 1}
	w := whole{peers: peers{bench: b, script: dir + "/script", nodeImage: "node:1"}, contracts: 2, manyRuns: 1}
	rows, err := w.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	cluster := regexp.MustCompile(` --name \S+`)
	var got []string
	for _, c := range calls(t, dir) {
		words := strings.Fields(c)
		switch short := strings.Join(words[:min(2, len(words))], " "); short {
		case "kind create", "kind delete":
			got = append(got, short+cluster.FindString(c))
		case "podproof verify":
			got = append(got, strings.NewReplacer(" --fresh", "", " --only "+byHand, " some", b.root+"/", "", " --evidence "+dir+"/record-{}.json", "", dir+"/", "").Replace(c))
		default:
			got = append(got, short)
		}
	}
	turn := []string{"kind create --name bench-1-alone", "kind delete --name bench-1-alone", "script",
		"docker unpause", "kubectl --kubeconfig", "script", "docker pause",
		"podproof verify --cluster kind some -f podproof.yaml", "podproof verify --cluster warm some -f podproof.yaml",
		"podproof verify --cluster kind -f podproof.yaml", "podproof verify --cluster warm -f podproof.yaml"}
	many := "podproof verify --cluster kind -f 1/podproof.yaml -f 2/examples/fastapi/podproof.yaml"
	if want := slices.Concat(turn, turn, []string{many, many}); !slices.Equal(got, want) {
		t.Errorf("called were\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	given, err := os.ReadFile(dir + "/given")
	if want := "/reactbin-api-prod:latest/node:1/postgres:mine/kind.yaml/" + dir + "/script.kubeconfig\n" +
		"bench-1-up/reactbin-api-prod:latest/node:1/postgres:mine/kind.yaml/" + dir + "/bench-1-up.kubeconfig\n"; string(given) != want+want {
		t.Errorf("the script was given\n%s\nwant twice\n%s (%v)", given, want, err)
	}

	var out strings.Builder
	for i, seconds := range []float64{20, 40, 10, 30, 15, 60, 45, 200} {
		rows[i].runs[0].seconds, rows[i].runs[0].rss = seconds, 80e6
	}
	rows[5].runs[0].record = 1.234e6
	w.table(&out, rows)
	for _, want := range []string{
		"| run | median | least to most | runs | peak RSS | to kind alone | to the script | to the script, cluster up | CPU of the cluster and of others | record |\n|---|---:|",
		"| `kind create cluster --wait` alone (over before the node was Ready: 1 of 1) | 20.00 s | 20.00 to 20.00 s | 1 | 80 MB | 1.00 | 0.50 | 2.00 |",
		"| the script, cluster up | 10.00 s |",
		"| **podproof verify**, 10 checks, fresh cluster | 30.00 s | 30.00 to 30.00 s | 1 | 80 MB | 1.50 | 0.75 | 3.00 |",
		"| **podproof verify**, 10 checks, `--cluster warm` (cluster made anew: 1 of 1) (inconclusive: 1 of 1) | 15.00 s |",
		" % | 1.23 MB |\n| **podproof verify**, all checks, `--cluster warm` | 45.00 s |",
		"| **podproof verify**, all checks of 2 contracts, fresh cluster | 200.00 s |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, out.String())
		}
	}
}

// What was measured before a run failed is told; without a script there are no columns of its.
func TestWholeRunsThatFailLeaveATable(t *testing.T) {
	dir := t.TempDir()
	fake(t, dir+"/kind", "")
	fake(t, dir+"/podproof", `test "$(grep -c ^podproof "${0%/*}/calls")" -lt 8`) // all of the first turn, and some of the second
	b := bench{root: t.TempDir(), dir: dir, podproof: dir + "/podproof", runs: 1}
	w := whole{peers: peers{bench: b, nodeImage: "node:1"}, contracts: 2, manyRuns: 1}
	rows, err := w.measure(t.Context())
	if err == nil || len(rows) != 4 {
		t.Fatalf("got %d rows, want the 4 before the run that fails (%v)", len(rows), err)
	}
	var out strings.Builder
	w.table(&out, rows)
	if !strings.Contains(out.String(), "| peak RSS | to kind alone | CPU of the cluster and of others | record |\n") || !strings.Contains(out.String(), " % | – |\n") {
		t.Errorf("the table is\n%s", out.String())
	}
}

func TestVerifyRefusesWhatItCannotTake(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"-n 0", "usage: hack/bench/run verify"},
		{"-many-n -1", "usage: hack/bench/run verify"},
		{"-contracts 1", "usage: hack/bench/run verify"},
		{"reactbin", "usage: hack/bench/run verify"},
		{"-script " + file, "give the name of a file that can be executed"},
		{"-script " + file + ".sh", "no such file"},
	} {
		err := run(t.Context(), append([]string{"verify"}, strings.Fields(c.args)...))
		if !errors.As(err, new(wrong)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.args, err, c.want)
		}
	}
}

func TestAScriptsToolsAreAskedForByName(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	p := peers{bench: bench{dir: dir}, nodeImage: "node:1"}
	if err := p.tools(t.Context()); err == nil || !strings.Contains(err.Error(), "docker and jq and bc, which PATH has not") {
		t.Errorf("got %v", err)
	}
	for _, tool := range []string{"jq", "bc"} {
		fake(t, bin+"/"+tool, "")
	}
	fake(t, bin+"/docker", "echo 0123")
	if err := p.tools(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{"docker create node:1 kubectl", "docker cp --follow-link 0123:/usr/bin/kubectl " + dir + "/kubectl", "docker rm 0123"}
	if got := calls(t, bin); !slices.Equal(got, want) {
		t.Errorf("called were %q, want %q", got, want)
	}
}

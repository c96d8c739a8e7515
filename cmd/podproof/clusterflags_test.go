package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/pipeline"
)

func TestTheClusterThatIsAskedFor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: staging\nclusters: [{name: c, cluster: {server: https://c}}]\ncontexts: [{name: staging, context: {cluster: c}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", file)
	for _, c := range []struct {
		flags clusterFlags
		want  pipeline.Options
		wrong string
	}{
		{flags: clusterFlags{cluster: "kind"}, want: pipeline.Options{Provider: "kind"}},
		{flags: clusterFlags{cluster: "warm"}, want: pipeline.Options{Provider: "kind", Warm: true}},
		{flags: clusterFlags{cluster: "kind:dev"}, want: pipeline.Options{Provider: "kind", Existing: "dev"}},
		{flags: clusterFlags{cluster: "current"}, want: pipeline.Options{Provider: "existing", Existing: "staging", Kubeconfig: file}},
		{flags: clusterFlags{cluster: "context:prod", namespace: "mine", shared: true, agentImage: "a:1"},
			want: pipeline.Options{Provider: "existing", Existing: "prod", Kubeconfig: file, Namespace: "mine", Shared: true, AgentImage: "a:1"}},
		{flags: clusterFlags{cluster: "context:prod", kubeconfig: "/k"}, want: pipeline.Options{Provider: "existing", Existing: "prod", Kubeconfig: "/k"}},
		{flags: clusterFlags{cluster: "kind:"}, wrong: `--cluster "kind:": write kind to make a cluster`},
		{flags: clusterFlags{cluster: "context:"}, wrong: `--cluster "context:"`},
		{flags: clusterFlags{cluster: "minikube"}, wrong: "current or context:NAME"},
		{flags: clusterFlags{cluster: "current", kubeconfig: file + "x"}, wrong: "--cluster current: reading the kubeconfig " + file + "x"},
		{flags: clusterFlags{cluster: "kind", namespace: "mine"}, wrong: "--namespace is for --cluster current or context:NAME"},
		{flags: clusterFlags{cluster: "warm", namespace: "mine"}, wrong: "with --cluster warm podproof makes its own namespaces"},
		{flags: clusterFlags{cluster: "kind:dev", kubeconfig: "/k"}, wrong: "--kubeconfig is for --cluster current or context:NAME"},
		{flags: clusterFlags{cluster: "current", namespace: "kube-system"}, wrong: "--namespace kube-system is one of Kubernetes' own"},
		{flags: clusterFlags{cluster: "current", open: true}, wrong: "--open-network is about --namespace NAMESPACE"},
		{flags: clusterFlags{cluster: "current", shared: true}, wrong: "--shared-namespace is about --namespace NAMESPACE"},
	} {
		var got pipeline.Options
		err := c.flags.into(&got)
		switch {
		case c.wrong != "":
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%+v: the error is %v, and should say %q", c.flags, err, c.wrong)
			}
		case err != nil, got.Provider != c.want.Provider, got.Warm != c.want.Warm, got.Existing != c.want.Existing, got.Kubeconfig != c.want.Kubeconfig,
			got.Namespace != c.want.Namespace, got.Shared != c.want.Shared, got.AgentImage != c.want.AgentImage:
			t.Errorf("%+v: got %+v, want %+v (%v)", c.flags, got, c.want, err)
		}
	}
}

// The environment's cluster is that of a command line without one, and no reason to clean a cluster.
func TestTheClusterOfTheEnvironment(t *testing.T) {
	t.Setenv("PODPROOF_CLUSTER", "warm")
	for args, want := range map[string]string{"": "warm", "--cluster kind": "kind"} {
		c := newVerify()
		if err := c.ParseFlags(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		if got, _ := c.Flags().GetString("cluster"); got != want {
			t.Errorf("%q: it is %q, and should be %q", args, got, want)
		}
	}
	if c := newClean(); c.Flags().Changed("cluster") {
		t.Error("clean takes it for asked for")
	}
	f := verifyFlags{keep: true, where: clusterFlags{cluster: "warm"}}
	if _, err := f.options(""); err == nil || !strings.Contains(err.Error(), "use --cluster kind with --keep") {
		t.Errorf("--keep: %v", err)
	}
}

// A build that is no release is published nowhere.
func TestThePublishedImage(t *testing.T) {
	was := stamped
	t.Cleanup(func() { stamped = was })
	for v, want := range map[string]string{"v1.2.3": "podproof.dev/podproof:v1.2.3", "v1.2.3-4-gabc": "", "abc-dirty": ""} {
		stamped = v
		if got := published(); got != want {
			t.Errorf("of %s it is %q, and should be %q", v, got, want)
		}
	}
}

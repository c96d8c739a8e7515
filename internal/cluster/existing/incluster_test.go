package existing

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/cluster"
)

// pod has the test run as in a pod, whose service account has those files.
func pod(t *testing.T, files map[string]string) {
	t.Helper()
	wasAccount, wasConfig := account, config
	t.Cleanup(func() { account, config = wasAccount, wasConfig })
	account = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(account, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config = func() (*rest.Config, error) {
		return &rest.Config{Host: "https://10.0.0.1:443", BearerToken: "own"}, nil
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
	t.Setenv("KUBECONFIG", "")
	t.Setenv("HOME", t.TempDir())
}

func TestInAPodTheCurrentClusterIsItsOwn(t *testing.T) {
	pod(t, map[string]string{"token": "own", "namespace": "proof\n"})
	name, err := Current("")
	if err != nil || name != InCluster {
		t.Fatalf("got %q (%v)", name, err)
	}
	c, err := Provider{}.Prepare(t.Context(), cluster.Spec{Existing: name})
	if err != nil {
		t.Fatal(err)
	}
	if r := c.REST(); r.Host != "https://10.0.0.1:443" || r.BearerToken != "own" || r.QPS < 100 {
		t.Errorf("the server is %s, and it may be asked %v times a second", r.Host, r.QPS)
	}
	if about := c.About(); about.Owned || about.Flag != "current" {
		t.Errorf("%+v", about)
	}
	if ns, err := Namespace(); ns != "proof" || err != nil {
		t.Errorf("its namespace is %q (%v)", ns, err)
	}
}

// A kubeconfig goes before the pod's own account, and without either there is no cluster.
func TestAKubeconfigInAPodGoesFirst(t *testing.T) {
	pod(t, map[string]string{"token": "own"})
	if got, err := Current(write(t, kubeconfig+"current-context: staging\n")); got != "staging" || err != nil {
		t.Errorf("got %q (%v)", got, err)
	}
	if _, err := Current(write(t, kubeconfig)); err == nil {
		t.Error("a kubeconfig without a current context leads to the pod's own cluster")
	}
	if _, err := Namespace(); err == nil || !strings.Contains(err.Error(), "name one with --namespace") {
		t.Errorf("the error is %v", err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if got, err := Current(""); err == nil {
		t.Errorf("outside of a pod the current cluster is %q", got)
	}
	if _, err := (Provider{}).Prepare(t.Context(), cluster.Spec{Existing: InCluster}); err == nil {
		t.Error("outside of a pod there is such a cluster")
	}
}

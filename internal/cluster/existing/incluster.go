package existing

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"

	"podproof.dev/podproof/internal/cluster"
)

// InCluster is the name of the cluster that podproof itself runs in, as a pod without a kubeconfig.
const InCluster = "in-cluster"

// account is where a pod finds the token, the certificate and the namespace of its service account
// (rest.InClusterConfig).
var account = "/var/run/secrets/kubernetes.io/serviceaccount"

// config is how a pod reaches its API server.
var config = rest.InClusterConfig

// inPod tells whether podproof runs in a pod that may talk to the API server.
func inPod() bool {
	_, err := os.Stat(filepath.Join(account, "token"))
	return err == nil && os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// within is the cluster that podproof runs in. client-go reads the token again when it has changed.
func within() (cluster.Cluster, error) {
	c, err := config()
	if err != nil {
		return nil, fmt.Errorf("--cluster current: reading the service account of this pod: %w", err)
	}
	cluster.Tune(c)
	return &existing{context: InCluster, rest: c, inside: true}, nil
}

// Namespace is that of the pod that podproof runs in.
func Namespace() (string, error) {
	b, err := os.ReadFile(filepath.Join(account, "namespace"))
	if name := strings.TrimSpace(string(b)); err == nil && name != "" {
		return name, nil
	}
	return "", errors.Join(errors.New("--cluster current: which namespace this pod is in is not known; name one with --namespace"), err)
}

package admission

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// maxSecrets is how many pull secrets of a pod are read.
const maxSecrets = 16

// keychain has the passwords of a pod's pull secrets, and then podproof's own.
type keychain struct {
	entries []entry
	// id tells keychains apart, and tells nothing of what is in them.
	id string
}

// entry is a password for what begins with a host and a path.
type entry struct {
	host, path string
	auth       authn.AuthConfig
}

// Resolve finds the password for a repository, as the kubelet does: the longest path first.
func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	repository := strings.TrimPrefix(r.String(), r.RegistryStr()+"/")
	for _, e := range k.entries {
		if e.of(r.RegistryStr()) && (e.path == "" || repository == e.path || strings.HasPrefix(repository, e.path+"/")) {
			return authn.FromConfig(e.auth), nil
		}
	}
	return authn.DefaultKeychain.Resolve(r)
}

// of tells whether an entry is for a host: "*.example" is for a.example, and not for a.b.example.
func (e entry) of(host string) bool {
	same, _ := path.Match(e.host, host)
	return e.host == host || same && strings.Count(e.host, ".") == strings.Count(host, ".")
}

// pullSecrets reads the pull secrets that a pod would be started with. The error says which could not be read: it is
// no matter as long as the registry answers without them.
func pullSecrets(ctx context.Context, client kubernetes.Interface, namespace string, pod corev1.PodSpec) (keychain, error) {
	names := pod.ImagePullSecrets
	var wrong []error
	if len(names) == 0 && client != nil { // admission has given a Pod those of its account, and no template
		account := cmp.Or(pod.ServiceAccountName, "default")
		sa, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, account, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			wrong = append(wrong, unread("serviceaccount/"+account, namespace, err))
		default:
			names = sa.ImagePullSecrets
		}
	}
	var k keychain
	sum := sha256.New()
	for _, n := range names[:min(maxSecrets, len(names))] {
		if client == nil || n.Name == "" {
			continue
		}
		s, err := client.CoreV1().Secrets(namespace).Get(ctx, n.Name, metav1.GetOptions{})
		if err != nil {
			wrong = append(wrong, unread("secret/"+n.Name, namespace, err))
			continue
		}
		found, err := passwords(s)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("secret/%s in namespace %s: %w", n.Name, namespace, err))
			continue
		}
		k.entries = append(k.entries, found...)
		for _, e := range found {
			fmt.Fprintf(sum, "%q %q %q %q %q %q\n", e.host, e.path, e.auth.Username, e.auth.Password, e.auth.IdentityToken, e.auth.RegistryToken)
		}
	}
	slices.SortStableFunc(k.entries, func(a, b entry) int { return len(b.path) - len(a.path) })
	if len(k.entries) > 0 {
		k.id = hex.EncodeToString(sum.Sum(nil))
	}
	return k, errors.Join(wrong...)
}

// unread says how the right to read is given.
func unread(what, namespace string, err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("the gate may not read %s in namespace %s, with which nodes may pull it: `kubectl create rolebinding podproof-gate-pull-secrets -n %s --clusterrole podproof-gate-pull-secrets --serviceaccount podproof-gate:podproof-gate` lets it", what, namespace, namespace)
	}
	return fmt.Errorf("%s in namespace %s could not be read: %w", what, namespace, err)
}

// passwords are those of a pull secret. The error quotes nothing of it.
func passwords(s *corev1.Secret) ([]entry, error) {
	f := configfile.New("")
	var err error
	switch s.Type {
	case corev1.SecretTypeDockerConfigJson:
		err = f.LoadFromReader(bytes.NewReader(s.Data[corev1.DockerConfigJsonKey]))
	case corev1.SecretTypeDockercfg:
		old := append(append([]byte(`{"auths":`), s.Data[corev1.DockerConfigKey]...), '}')
		err = f.LoadFromReader(bytes.NewReader(old))
	default:
		return nil, fmt.Errorf("it is of the type %s, and not of %s", s.Type, corev1.SecretTypeDockerConfigJson)
	}
	if err != nil {
		return nil, errors.New("it holds no Docker configuration that can be read")
	}
	var out []entry
	for where, a := range f.AuthConfigs {
		_, rest, scheme := strings.Cut(where, "://")
		if !scheme {
			rest = where
		}
		host, repository, _ := strings.Cut(rest, "/")
		if repository = strings.Trim(repository, "/"); repository == "v1" || repository == "v2" {
			repository = ""
		}
		if host == "docker.io" || host == "registry-1.docker.io" {
			host = name.DefaultRegistry
		}
		out = append(out, entry{host, repository, authn.AuthConfig{Username: a.Username, Password: a.Password, IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken}})
	}
	slices.SortFunc(out, func(a, b entry) int { return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.path, b.path)) })
	return out, nil
}

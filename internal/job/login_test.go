package job

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config/configfile"
	"github.com/google/go-containerregistry/pkg/authn"
	ggcr "github.com/google/go-containerregistry/pkg/name"
)

// podproof's own image may lie in one registry, and the one under test in another, with a pull secret each.
func TestARegistryOfAnyPullSecretIsRead(t *testing.T) {
	o := spec(t).Objects()
	c := o.Job.Spec.Template.Spec.Containers[0]
	root := t.TempDir()
	for secret, text := range map[string]string{
		"registry": `{"auths": {"own.example": {"username": "own", "password": "a"}}}`,
		"mirror":   `{"auths": {"own.example": {"username": "other", "password": "b"}, "https://shop.example/v2/": {"auth": "c2hvcDpj"}, "r.example:5000": {"username": "port", "password": "d"}}}`,
	} {
		at := ""
		for _, v := range o.Job.Spec.Template.Spec.Volumes {
			for _, m := range c.VolumeMounts {
				if v.Secret != nil && v.Secret.SecretName == secret && v.Name == m.Name && *v.Secret.Optional {
					at = filepath.Join(root, m.MountPath, v.Secret.Items[0].Path)
				}
			}
		}
		if at == "" {
			t.Fatalf("secret %s is not mounted: %+v", secret, c.VolumeMounts)
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", root)
	t.Setenv(configfile.DockerEnvConfigKey, "")
	for _, e := range c.Env {
		if e.Name == "DOCKER_CONFIG" || e.Name == othersVariable {
			t.Setenv(e.Name, root+e.Value)
		}
	}
	if err := LogIn(); err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"own.example": "own:a", "shop.example": "shop:c", "r.example:5000": "port:d", "none.example": ":"} {
		r, err := ggcr.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		login, err := authn.DefaultKeychain.Resolve(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := login.Authorization()
		if err != nil || got.Username+":"+got.Password != want {
			t.Errorf("%s is read as %s:%s (%v), want %s", host, got.Username, got.Password, err, want)
		}
	}
}

func TestAPullSecretThatIsNone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv(configfile.DockerEnvConfigKey, "")
	t.Setenv(othersVariable, filepath.Join(dir, "none"))
	if err := LogIn(); err != nil || os.Getenv(configfile.DockerEnvConfigKey) != "" {
		t.Errorf("where it is not there: %v", err)
	}
	t.Setenv(othersVariable, dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := LogIn(); err == nil || !strings.Contains(err.Error(), dir+", holds no Docker configuration") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

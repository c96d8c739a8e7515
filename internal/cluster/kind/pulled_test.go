package kind

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// As kubelets of 1.37 write them.
const records = `{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1beta1","lastUpdatedTime":"2026-11-28T14:57:48Z","imageRef":"sha256:aa","credentialMapping":{"shop.example/postgres":{"nodePodsAccessible":true},"mirror.example/postgres":{"kubernetesSecrets":[{"uid":"u","namespace":"n","name":"s","credentialHash":"h"}]},"a.example/postgres":{"nodePodsAccessible":true}}}
{"kind":"ImagePulledRecord","apiVersion":"kubelet.config.k8s.io/v1beta1","imageRef":"sha256:bb","credentialMapping":{"mirror.example/app":{"kubernetesSecrets":[{"uid":"u"}]}}}`

func TestWhatAKubeletRemembers(t *testing.T) {
	for _, c := range []struct {
		records, id string
		known       bool
		open        []string
		wrong       string
	}{
		{records, "sha256:aa", true, []string{"a.example/postgres", "shop.example/postgres"}, ""},
		{records, "sha256:bb", true, nil, ""},
		{records, "sha256:cc", false, nil, ""},
		{"", "sha256:aa", false, nil, ""},
		{"{", "sha256:aa", false, nil, "reading which images the kubelet has pulled"},
	} {
		r, err := recordOf([]byte(c.records), c.id)
		switch {
		case c.wrong != "":
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: the error is %v", c.id, err)
			}
		case err != nil, (r != nil) != c.known, r != nil && !slices.Equal(r.open(), c.open):
			t.Errorf("%s of %d bytes: got %+v (%v)", c.id, len(c.records), r, err)
		}
	}
}

// Two runs, and two images of one run, must not take a name from each other.
func TestTags(t *testing.T) {
	a, b := v1.Hash{Algorithm: "sha256", Hex: "aa"}, v1.Hash{Algorithm: "sha256", Hex: "bb"}
	one := tag("podproof.local/api:run-x", a)
	if !strings.HasPrefix(one, "run-x-") || one == tag("podproof.local/api:run-x", b) || one == tag("podproof.local/other-1:run-x", a) || one != tag("podproof.local/api:run-x", a) {
		t.Errorf("got %q", one)
	}
}

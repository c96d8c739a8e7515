package subject

import (
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

// piped is the subject of manifests that were piped into podproof, without a contract.
func piped(t *testing.T, manifests, image string) (Subject, error) {
	t.Helper()
	c, err := contract.Unwritten(t.TempDir(), nil, nil, contract.Derived{Field: "manifests", Value: "-", From: "named"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.WithManifests([]string{"-"}, strings.NewReader(manifests)); err != nil {
		t.Fatal(err)
	}
	return Read(c, Options{Image: image, Pods: true, Owned: true})
}

func TestAssumed(t *testing.T) {
	api, db := runs("apps/v1", "Deployment", "api", "shop/api:1.0"), runs("apps/v1", "StatefulSet", "db", "postgres:16")
	worker := strings.Replace(runs("apps/v1", "Deployment", "worker", "shop/worker:1"), `, ports: [{name: http, containerPort: 8000}], readinessProbe: {httpGet: {path: /ready, port: http}}`, "", 1)
	for _, x := range []struct {
		name, manifests, image string
		says                   []string
		not                    string
	}{
		{name: "an API beside its database", manifests: api + db, image: "shop/api:pr-7", says: []string{
			"There is no podproof.yaml, so that this is derived",
			"  manifests     - (named)  [-m]", "  workload      deployment/api (the manifests: it runs shop/api:1.0)  [IMAGE, or workload:]",
			"  dependencies  statefulset/db (the other workloads of the manifests), kind postgres (the image postgres:16 of statefulset/db)  [dependencies:]",
			"  http          health /ready, port 8000 (the readiness probe of deployment/api)  [http:]",
			"Nothing tells env.required, http.query, http.upload, so"}, not: "default"},
		{name: "an API alone", manifests: api, says: []string{"Nothing tells env.required, http.upload, so"}},
		{name: "a worker", manifests: worker, says: []string{"Nothing tells env.required, so"}, not: "http"},
	} {
		t.Run(x.name, func(t *testing.T) {
			s, err := piped(t, x.manifests, x.image)
			if err != nil {
				t.Fatal(err)
			}
			if s, err = s.With(contract.ImageFacts{}); err != nil {
				t.Fatal(err)
			}
			said := strings.Join(s.Assumed(), "\n")
			for _, want := range x.says {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q:\n%s", want, said)
				}
			}
			if x.not != "" && strings.Contains(said, x.not) {
				t.Errorf("it says %q:\n%s", x.not, said)
			}
			if s.Source() != nil || s.Workload.Source.File != workload.Piped {
				t.Errorf("it stands in %+v, which is no file", s.Source())
			}
		})
	}
}

// Whoever has no contract is told how to get one to settle things in.
func TestNothingToSettleItIn(t *testing.T) {
	_, err := piped(t, runs("apps/v1", "Deployment", "a", "shop/a:1")+runs("apps/v1", "Deployment", "b", "shop/b:1"), "")
	if want := "say which with `workload:` in a podproof.yaml, which `podproof init` writes, one of: deployment/a, deployment/b"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAContractIsNotAssumed(t *testing.T) {
	s, err := read(t, "", runs("apps/v1", "Deployment", "api", "shop/api:1.0"), Options{Pods: true})
	if err != nil || s.Assumed() != nil || s.Source() == nil || s.Source().File != "all.yaml" {
		t.Errorf("%q at %+v, %v", s.Assumed(), s.Source(), err)
	}
}

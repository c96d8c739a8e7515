package check

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// TestLocations finds the place of a broken promise in a file, an image and an object.
func TestLocations(t *testing.T) {
	for _, x := range []struct {
		id   string
		e    evidence.Evidence
		want Location
	}{
		{"resources/limits", container(func(c *corev1.Container) { c.Resources.Limits = nil }),
			Location{File: "k8s/api.yaml", Line: 3, Object: "deployment/api", Field: "spec.template.spec.containers[api].resources.limits.memory"}},
		{"probes/declared", container(func(c *corev1.Container) { c.LivenessProbe = nil }),
			Location{File: "k8s/api.yaml", Line: 3, Object: "deployment/api", Field: "spec.template.spec.containers[api].livenessProbe"}},
		{"security/restricted", with(func(e *evidence.Evidence) {
			e.Workload.Kind, e.Workload.Source = "Pod", nil
			e.Workload.Template.Spec.HostNetwork = true
		}), Location{Object: "pod/api", Field: "spec.hostNetwork"}},
		{"image/no-secrets-in-layers", with(func(e *evidence.Evidence) {
			e.Image.Layers = make([]evidence.Layer, 2)
			e.Image.Secrets = []evidence.FileSecret{{Rule: "env", What: "a password", Path: "/app/.env", Line: 7, Layer: 1, Reach: evidence.Reachable}}
		}), Location{Layer: 2, Path: "/app/.env", Line: 7}},
		{"image/no-setuid", with(func(e *evidence.Evidence) {
			e.Image.Privileged = []evidence.PrivilegedFile{{Path: "/app/helper", Layer: 99, Mode: "4755"}}
		}), Location{Path: "/app/helper"}},
	} {
		t.Run(x.id, func(t *testing.T) {
			if x.e.Workload.Source == nil && x.e.Workload.Kind != "Pod" {
				x.e.Workload.Source = &evidence.Source{File: "k8s/api.yaml", Line: 3}
			}
			all := Catalogue()
			i := slices.IndexFunc(all, func(c Check) bool { return c.ID == x.id })
			f := ptr(judge(all[i], goodContract(), x.e)).firstBroken()
			if f == nil || f.Location == nil || *f.Location != x.want {
				t.Errorf("got %+v, want %+v", f, x.want)
			}
		})
	}
}

func TestStepPlace(t *testing.T) {
	c := contract.Contract{Build: &contract.Build{Dockerfile: "api/Dockerfile"}}
	s := evidence.BuildStep{Name: "[2/3] RUN npm ci", Line: 9}
	if p := stepPlace(c, s); p.Location != (Location{File: "api/Dockerfile", Line: 9}) || p.words != "api/Dockerfile:9, [2/3] RUN npm ci" {
		t.Errorf("%+v", p)
	}
	s.Line = 0
	if p := stepPlace(c, s); p.Location != (Location{}) || p.words != s.Name {
		t.Errorf("of no line: %+v", p)
	}
}

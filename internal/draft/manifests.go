package draft

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"podproof.dev/podproof/internal/workload"
)

// places are the folders in which manifests and charts usually are.
var places = []string{"deploy", "deployment", "deployments", "k8s", "kubernetes", "manifests", "kustomize", "chart", "charts", "helm"}

// deepest is how far below a place is looked: k8s/overlays/prod.
const deepest = 3

// looked is what was found, by paths as of the folder.
type looked struct {
	// ship are the manifests that go together, of which variants are only one.
	ship, variants []string
	charts         []string
	// aside says what else is there and not taken.
	aside []string
}

// unit is a folder, or a file, that is read as a whole.
type unit struct {
	path string
	refs []string // what its kustomization takes from elsewhere
}

// manifests looks in the usual places, and where those have none in the folder itself.
func manifests(dir string) looked {
	var l looked
	var units []unit
	for _, place := range places {
		units = append(units, l.walk(dir, place, deepest)...)
	}
	if len(units) == 0 {
		units = l.here(dir)
	}
	l.sort(dir, roots(units))
	return l
}

// walk finds the units at and below a path.
func (l *looked) walk(dir, path string, deep int) []unit {
	here := filepath.Join(dir, path)
	entries, err := os.ReadDir(here)
	if err != nil {
		return nil
	}
	if isFile(filepath.Join(here, "Chart.yaml")) {
		l.charts = append(l.charts, path)
		return nil
	}
	var out []unit
	refs, kustomized := kustomization(dir, path)
	if kustomized && refs != nil {
		out = append(out, unit{path, refs})
	}
	plain := !kustomized && slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return isManifest(filepath.Join(here, e.Name())) })
	if plain {
		out = append(out, unit{path: path})
	}
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || deep == 0 {
			continue
		}
		below := l.walk(dir, filepath.Join(path, e.Name()), deep-1)
		if plain { // as kubectl apply -f reads a folder
			for _, u := range below {
				l.aside = append(l.aside, u.path+", which is not read")
			}
			continue
		}
		out = append(out, below...)
	}
	return out
}

// here are the units of the folder itself: its kustomization, or its files of manifests one by one, or
// else the folders in it.
func (l *looked) here(dir string) []unit {
	if isFile(filepath.Join(dir, "Chart.yaml")) {
		l.charts = append(l.charts, ".")
		return nil
	}
	if refs, ok := kustomization(dir, "."); ok {
		return []unit{{".", refs}}
	}
	var out []unit
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if isManifest(filepath.Join(dir, e.Name())) {
			out = append(out, unit{path: e.Name()})
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(elsewhere, e.Name()) {
			out = append(out, l.walk(dir, e.Name(), 0)...)
		}
	}
	return out
}

// kustomization is what one refers to beside its own folder; it has no references where it is a
// component, which is no whole by itself.
func kustomization(dir, path string) (refs []string, there bool) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		text, err := os.ReadFile(filepath.Join(dir, path, name))
		if err != nil {
			continue
		}
		var k struct {
			Kind                         string
			Resources, Bases, Components []string
			Patches                      []struct{ Path string }
			Merged                       []string `yaml:"patchesStrategicMerge"`
		}
		if yaml.Unmarshal(text, &k) == nil && k.Kind == "Component" {
			return nil, true
		}
		refs = []string{}
		for _, p := range k.Patches {
			k.Merged = append(k.Merged, p.Path)
		}
		for _, r := range slices.Concat(k.Resources, k.Bases, k.Components, k.Merged) {
			refs = append(refs, filepath.Join(path, r))
		}
		return refs, true
	}
	return nil, false
}

// roots are the units that no other one takes in.
func roots(all []unit) []unit {
	return slices.DeleteFunc(slices.Clone(all), func(u unit) bool {
		return slices.ContainsFunc(all, func(other unit) bool {
			return other.path != u.path && slices.ContainsFunc(other.refs, func(r string) bool { return r == u.path || filepath.Dir(r) == u.path })
		})
	})
}

// sort says which of the units ship together: those with the same objects are variants of one another,
// one that runs nothing but Jobs is a task of its own, and one that decides about admission is for the
// whole cluster, unless there is nothing else.
func (l *looked) sort(dir string, units []unit) {
	holds := map[string][]workload.Object{}
	refs := map[string][]string{}
	for _, u := range units {
		refs[u.path] = u.refs
		// What is wrong in there is told when it is read for good.
		holds[u.path], _ = workload.Read([]workload.Path{{Written: u.path, Real: filepath.Join(dir, u.path)}})
	}
	serves := func(u unit) bool { return !onlyJobs(holds[u.path]) && !admits(holds[u.path]) }
	others := slices.ContainsFunc(units, serves)
	for _, u := range units {
		switch {
		case onlyJobs(holds[u.path]):
			l.aside = append(l.aside, u.path+", which runs Jobs alone")
		case others && !serves(u):
			l.aside = append(l.aside, u.path+", which decides what a whole cluster admits")
		default:
			l.ship = append(l.ship, u.path)
		}
	}
	for _, p := range l.ship {
		if slices.ContainsFunc(l.ship, func(o string) bool { return o != p && (overlap(holds[p], holds[o]) || share(refs[p], refs[o])) }) {
			l.variants = append(l.variants, p)
		}
	}
	if len(l.ship) > 0 {
		for _, c := range l.charts {
			l.aside = append(l.aside, fmt.Sprintf("the Helm chart %s, which is not read", c))
		}
	}
}

// share tells whether two kustomizations are made of the same one.
func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(r string) bool { return slices.Contains(b, r) })
}

// admits tells whether objects have a say in what the API server of a cluster takes.
func admits(objects []workload.Object) bool {
	return slices.ContainsFunc(objects, func(o workload.Object) bool {
		return strings.HasPrefix(o.GetAPIVersion(), "admissionregistration.k8s.io/")
	})
}

func onlyJobs(objects []workload.Object) bool {
	jobs := false
	for _, o := range objects {
		switch o.GetKind() {
		case "Job", "CronJob":
			jobs = true
		case "Deployment", "StatefulSet", "DaemonSet", "Pod":
			return false
		}
	}
	return jobs
}

// overlap tells whether two units run an object of the same name.
func overlap(a, b []workload.Object) bool {
	return slices.ContainsFunc(a, func(x workload.Object) bool {
		return slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet", "Pod"}, x.GetKind()) &&
			slices.ContainsFunc(b, func(y workload.Object) bool { return x.String() == y.String() })
	})
}

// isManifest tells whether a file holds an object of a kind of Kubernetes' own.
func isManifest(file string) bool {
	if !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(file)) || !isFile(file) {
		return false
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string
		}
		err := dec.Decode(&o)
		var shape *yaml.TypeError
		switch {
		case errors.As(err, &shape):
		case err != nil: // also the end
			return false
		case scheme.Scheme.Recognizes(schema.FromAPIVersionAndKind(o.APIVersion, o.Kind)):
			return true
		}
	}
}

func isFile(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode().IsRegular()
}

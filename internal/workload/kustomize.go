package workload

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func readKustomization(p Path) ([]Object, error) {
	// kustomize loses lines, so the files that it reads are looked at one by one first.
	listed, err := readListed(p)
	if err != nil {
		return nil, err
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), p.Real)
	if err != nil {
		return nil, fmt.Errorf("%s: kustomize: %w", p.Written, err)
	}
	var objects []Object
	for _, r := range resources.Resources() {
		// By way of JSON, whose numbers have the types that Kubernetes' own code expects.
		b, err := r.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.Written, r.CurId(), err)
		}
		o := Object{&unstructured.Unstructured{}, Source{File: filepath.Join(p.Written, filepath.Base(kustomization(p.Real)))}}
		if err := o.UnmarshalJSON(b); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.Written, r.CurId(), err)
		}
		if err := strict(o); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.Written, o, err)
		}
		if s, ok := sourceOf(o, listed); ok {
			o.Source = s
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// sourceOf finds the file that an object comes from. kustomize may have put its prefix and
// suffix to the name, and changed the namespace; where two may be meant, none is.
func sourceOf(o Object, listed []Object) (Source, bool) {
	var best []Object
	for _, l := range listed {
		if l.GroupVersionKind().GroupKind() != o.GroupVersionKind().GroupKind() || !strings.Contains(o.GetName(), l.GetName()) {
			continue
		}
		if len(best) > 0 && len(l.GetName()) > len(best[0].GetName()) {
			best = nil
		}
		if len(best) == 0 || len(l.GetName()) == len(best[0].GetName()) {
			best = append(best, l)
		}
	}
	if len(best) != 1 {
		best = slices.DeleteFunc(best, func(l Object) bool { return l.GetNamespace() != o.GetNamespace() })
	}
	if len(best) != 1 {
		return Source{}, false
	}
	return best[0].Source, true
}

func kustomization(dir string) string {
	for _, n := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if f := filepath.Join(dir, n); isFile(f) {
			return f
		}
	}
	return ""
}

func isFile(p string) bool {
	i, err := os.Stat(p)
	return err == nil && !i.IsDir()
}

// isRemote tells the forms of a remote base that kustomize fetches: a URL, git@host:path,
// a host's folder after "//", a revision.
func isRemote(resource string) bool {
	return strings.Contains(resource, "//") || strings.Contains(resource, "?ref=") ||
		strings.HasPrefix(resource, "git@") || strings.HasPrefix(resource, "github.com/")
}

// readListed reads the plain files that a kustomization lists, for their problems and lines.
func readListed(p Path) ([]Object, error) {
	file := kustomization(p.Real)
	written := filepath.Join(p.Written, filepath.Base(file))
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", written, err)
	}
	var k struct {
		Resources  []string  `yaml:"resources"`
		HelmCharts yaml.Node `yaml:"helmCharts"`
	}
	if err := yaml.Unmarshal(b, &k); err != nil {
		return nil, fmt.Errorf("%s: %s", at(written, err), text(err))
	}
	var objects []Object
	problems := inflates(written, k.HelmCharts)
	for _, r := range k.Resources {
		rp := Path{Written: filepath.Join(p.Written, r), Real: filepath.Join(p.Real, r)}
		var read []Object
		switch info, err := os.Stat(rp.Real); {
		case err != nil && isRemote(r):
			continue // a remote base: kustomize's to fetch
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: names the resource %q, which does not exist", written, r))
		case info.IsDir():
			if kustomization(rp.Real) != "" {
				read, err = readListed(rp)
			}
			problems = add(problems, err)
		default:
			read, err = readFile(rp)
			problems = add(problems, err)
		}
		objects = append(objects, read...)
	}
	if len(problems) > 0 {
		return nil, &ManifestError{problems}
	}
	return objects, nil
}

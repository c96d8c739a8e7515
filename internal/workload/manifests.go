// Package workload turns manifests into objects, applies them, watches what becomes of
// their pods, and removes them.
package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	sigsyaml "sigs.k8s.io/yaml"
)

// Object is one object of the manifests.
type Object struct {
	*unstructured.Unstructured
	// Source is where it was read: "deployment.yaml:1", or the kustomization's folder.
	Source string
}

// String names the object as kubectl does: "deployment/api".
func (o Object) String() string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}

// ManifestError says what is wrong in the manifests; it is the user's to mend.
type ManifestError struct{ Problems []string }

func (e *ManifestError) Error() string {
	return "the manifests are wrong:\n  " + strings.Join(e.Problems, "\n  ")
}

// Path is a file or folder of manifests: as the user wrote it, and where it lies.
type Path struct{ Written, Real string }

// Read reads files, and folders with a kustomization, into objects. Unknown fields,
// wrong types and broken YAML are reported with file and line, all of them at once.
func Read(paths []Path) ([]Object, error) {
	var all []Object
	var problems []string
	for _, p := range paths {
		objects, err := read(p)
		var wrong *ManifestError
		switch {
		case errors.As(err, &wrong):
			problems = append(problems, wrong.Problems...)
		case err != nil:
			problems = append(problems, err.Error())
		}
		all = append(all, objects...)
	}
	if len(problems) > 0 {
		return nil, &ManifestError{problems}
	}
	return all, nil
}

func read(p Path) ([]Object, error) {
	info, err := os.Stat(p.Real)
	if err != nil {
		return nil, fmt.Errorf("%s: there is no such file or folder; correct `manifests` in the contract", p.Written)
	}
	if !info.IsDir() {
		return readFile(p)
	}
	if kustomization(p.Real) == "" {
		return nil, fmt.Errorf("%s: this folder has no kustomization.yaml; add one, or name its files in `manifests`", p.Written)
	}
	// kustomize loses lines, so the files that it reads are looked at one by one first.
	if err := checkResources(p); err != nil {
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
		o := Object{&unstructured.Unstructured{}, p.Written}
		if err := o.UnmarshalJSON(b); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.Written, r.CurId(), err)
		}
		if err := strict(o); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", p.Written, o, err)
		}
		objects = append(objects, o)
	}
	return objects, nil
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

// checkResources reads the plain files that a kustomization lists, for their problems only.
func checkResources(p Path) error {
	file := kustomization(p.Real)
	written := filepath.Join(p.Written, filepath.Base(file))
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s: %w", written, err)
	}
	var k struct {
		Resources []string `yaml:"resources"`
	}
	if err := yaml.Unmarshal(b, &k); err != nil {
		return fmt.Errorf("%s: %s", at(written, err), text(err))
	}
	var problems []string
	for _, r := range k.Resources {
		rp := Path{filepath.Join(p.Written, r), filepath.Join(p.Real, r)}
		switch info, err := os.Stat(rp.Real); {
		case err != nil && isRemote(r):
			continue // a remote base: kustomize's to fetch
		case err != nil:
			problems = append(problems, fmt.Sprintf("%s: names the resource %q, which does not exist", written, r))
		case info.IsDir():
			if kustomization(rp.Real) != "" {
				problems = add(problems, checkResources(rp))
			}
		default:
			_, err := readFile(rp)
			problems = add(problems, err)
		}
	}
	if len(problems) > 0 {
		return &ManifestError{problems}
	}
	return nil
}

func add(problems []string, err error) []string {
	var wrong *ManifestError
	switch {
	case errors.As(err, &wrong):
		return append(problems, wrong.Problems...)
	case err != nil:
		return append(problems, err.Error())
	}
	return problems
}

// readFile reads one file of YAML documents.
func readFile(p Path) ([]Object, error) {
	b, err := os.ReadFile(p.Real)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Written, err)
	}
	var objects []Object
	var problems []string
	dec := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s: %s", at(p.Written, err), text(err)))
			break // nothing after a syntax error can be trusted
		}
		o, err := object(doc, p.Written)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		if o.Unstructured == nil {
			continue
		}
		if err := strict(o); err != nil {
			for _, f := range strictFields(err) {
				problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", p.Written, lineOf(&doc, f), o, f.problem))
			}
			continue
		}
		objects = append(objects, o)
	}
	if len(problems) > 0 {
		return nil, &ManifestError{problems}
	}
	return objects, nil
}

func object(doc yaml.Node, file string) (Object, error) {
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return Object{}, nil // an empty document
	}
	where := fmt.Sprintf("%s:%d", file, doc.Content[0].Line)
	// Decoding refuses a key that is there twice; the way to JSON below takes the last one.
	if err := doc.Decode(new(any)); err != nil {
		return Object{}, fmt.Errorf("%s: %s", at(file, err), text(err))
	}
	b, err := yaml.Marshal(&doc)
	if err != nil {
		return Object{}, fmt.Errorf("%s: %w", where, err)
	}
	j, err := sigsyaml.YAMLToJSON(b)
	if err != nil {
		return Object{}, fmt.Errorf("%s: %s", where, text(err))
	}
	m := map[string]any{}
	// Kubernetes' own JSON gives whole numbers the type that its code expects.
	if err := utiljson.Unmarshal(j, &m); err != nil {
		return Object{}, fmt.Errorf("%s: a document must be one object, with apiVersion and kind: %s", where, text(err))
	}
	o := Object{&unstructured.Unstructured{Object: m}, where}
	if o.GetKind() == "" || o.GetAPIVersion() == "" || o.GetName() == "" {
		return Object{}, fmt.Errorf("%s: a Kubernetes object needs apiVersion, kind and metadata.name", where)
	}
	return o, nil
}

var strictCodec = serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()

// strict refuses fields that the object's kind does not have, as `kubectl --validate=strict`
// does. Kinds that client-go does not know (custom resources) are left to the API server.
func strict(o Object) error {
	b, err := o.MarshalJSON()
	if err != nil {
		return err
	}
	_, _, err = strictCodec.Decode(b, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return nil
	}
	return err
}

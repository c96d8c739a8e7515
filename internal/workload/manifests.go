// Package workload turns manifests into objects, applies them, watches what becomes of
// their pods, and removes them.
package workload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"podproof.dev/podproof/internal/contract"
)

// Object is one object of the manifests.
type Object struct {
	*unstructured.Unstructured
	Source Source
}

// String names the object as kubectl does: "deployment/api".
func (o Object) String() string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}

// Source is where an object was read.
type Source struct {
	// File is as the user wrote it; the kustomization's where it made the object itself.
	File string
	Line int // 0 where it is not known
	node *yaml.Node
}

// String is "deployment.yaml:1".
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// At is where a field such as "spec.template.spec.containers[0].image" stands, or its nearest
// parent where the field is not there.
func (s Source) At(path string) string {
	if s.node == nil {
		return s.String()
	}
	return fmt.Sprintf("%s:%d", s.File, lineOf(s.node, field{path: path}))
}

// ManifestError says what is wrong in the manifests; it is the user's to fix.
type ManifestError struct{ Problems []string }

func (e *ManifestError) Error() string {
	return "the manifests are wrong:\n  " + strings.Join(e.Problems, "\n  ")
}

// Path is a file or folder of manifests: as the user wrote it, and where it lies. What was piped lies
// nowhere.
type Path struct {
	Written, Real string
	piped         []byte
}

// PathsOf are the manifests of a contract.
func PathsOf(c contract.Contract) []Path {
	var out []Path
	for _, m := range c.ManifestFiles() {
		if m == contract.Stdin {
			out = append(out, Path{Written: Piped, piped: c.Piped()})
		} else {
			out = append(out, Path{Written: m, Real: c.Path(m)})
		}
	}
	return out
}

// Piped is the file of an object that came over the standard input.
const Piped = "(standard input)"

// Read reads files, kustomizations, and folders of files into objects. Unknown fields,
// wrong types and broken YAML are reported with file and line, all of them at once.
func Read(paths []Path) ([]Object, error) {
	var all []Object
	var problems []string
	for _, p := range paths {
		objects, err := read(p)
		problems = add(problems, err)
		all = append(all, objects...)
	}
	if len(problems) > 0 {
		return nil, &ManifestError{problems}
	}
	nameGenerated(all)
	return all, nil
}

func read(p Path) ([]Object, error) {
	if p.piped != nil {
		return readText(p, p.piped)
	}
	info, err := os.Stat(p.Real)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: there is no such file or folder; correct `manifests` in the contract, or -m", p.Written)
	case !info.IsDir():
		return readFile(p)
	case kustomization(p.Real) != "":
		return readKustomization(p)
	}
	if err := aChart(p); err != nil {
		return nil, err
	}
	return readFolder(p)
}

// manifestFiles are the endings of the files that `kubectl apply -f FOLDER` reads.
var manifestFiles = []string{".yaml", ".yml", ".json"}

// readFolder reads the files of a folder by name, and not those of the folders in it, as
// `kubectl apply -f FOLDER` does.
func readFolder(p Path) ([]Object, error) {
	entries, err := os.ReadDir(p.Real) // sorted by name
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Written, err)
	}
	var objects []Object
	var problems, folders []string
	files := 0
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, filepath.Join(p.Written, e.Name()))
		}
		if e.IsDir() || !slices.Contains(manifestFiles, filepath.Ext(e.Name())) {
			continue
		}
		files++
		read, err := readFile(Path{Written: filepath.Join(p.Written, e.Name()), Real: filepath.Join(p.Real, e.Name())})
		objects, problems = append(objects, read...), add(problems, err)
	}
	if files == 0 {
		what := "this folder holds neither a kustomization.yaml nor a file of manifests (*.yaml, *.yml, *.json)"
		if len(folders) > 0 {
			what += "; the folders in it are not read: name those that are meant, in `manifests` or with -m, of " + strings.Join(folders, ", ")
		}
		return nil, fmt.Errorf("%s: %s", p.Written, what)
	}
	if len(problems) > 0 {
		return nil, &ManifestError{problems}
	}
	return objects, nil
}

// add puts what is wrong with one file to the rest.
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

package draft

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"podproof.dev/podproof/internal/contract"
)

// dockerfiles are the names, the one that is most likely shipped first.
var dockerfiles = []string{"Dockerfile.prod", "Dockerfile.production", "Dockerfile", "Containerfile"}

// elsewhere are folders whose Dockerfiles are not the product's.
var elsewhere = []string{"examples", "example", "test", "tests", "vendor", "node_modules", "hack"}

// build says how the image is built, where one Dockerfile in the folder, or else in one below it, tells.
func build(dir string) (*contract.Build, []contract.Derived) {
	files := dockerfilesIn(dir, ".")
	if len(files) == 0 {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(elsewhere, e.Name()) {
				files = append(files, dockerfilesIn(dir, e.Name())...)
			}
		}
		if len(files) > 1 {
			return nil, []contract.Derived{{Field: "build", Value: "none", From: "several Dockerfiles are here: " + strings.Join(files, ", ")}}
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	d := dockerfile{dir: dir, path: files[0]}
	d.read()
	b := &contract.Build{Context: d.context(), Dockerfile: d.path, Args: d.set()}
	from := FoundHere
	if len(files) > 1 {
		from += "; beside " + strings.Join(files[1:], ", ")
	}
	said := []contract.Derived{{Field: "build", Value: b.Dockerfile + " in " + b.Context, From: from}}
	if len(b.Args) > 0 {
		said = append(said, contract.Derived{Field: "build.args", Value: strings.Join(b.Args, ", "), From: "the environment sets what the Dockerfile begins with"})
	}
	return b, said
}

func dockerfilesIn(dir, folder string) []string {
	var out []string
	for _, name := range dockerfiles {
		if isFile(filepath.Join(dir, folder, name)) {
			out = append(out, filepath.Join(folder, name))
		}
	}
	return out
}

// dockerfile is one that was read, as far as it can be.
type dockerfile struct {
	dir, path string
	// args are those before the first FROM, which mostly name base images; sources are what is copied
	// from the context.
	args, sources []string
}

func (d *dockerfile) read() {
	text, err := os.ReadFile(filepath.Join(d.dir, d.path))
	if err != nil {
		return
	}
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return // the builder says what is wrong with it
	}
	begun := false
	for _, n := range parsed.AST.Children {
		var words []string
		for w := n.Next; w != nil; w = w.Next {
			words = append(words, w.Value)
		}
		switch strings.ToUpper(n.Value) {
		case "FROM":
			begun = true
		case "ARG":
			for _, w := range words {
				if name, _, _ := strings.Cut(w, "="); !begun {
					d.args = append(d.args, name)
				}
			}
		case "COPY", "ADD":
			if slices.ContainsFunc(n.Flags, func(f string) bool { return strings.HasPrefix(f, "--from=") }) || len(words) < 2 {
				continue
			}
			d.sources = append(d.sources, words[:len(words)-1]...)
		}
	}
}

// context is the folder to build in: the Dockerfile's own, or the whole where only that has all that it copies.
func (d *dockerfile) context() string {
	own := filepath.Dir(d.path)
	if own != "." && !d.hasAll(own) && d.hasAll(".") {
		return "."
	}
	return own
}

func (d *dockerfile) hasAll(folder string) bool {
	for _, s := range d.sources {
		if strings.ContainsAny(s, "$") || strings.Contains(s, "://") || strings.HasPrefix(s, "<<") {
			continue
		}
		if found, _ := filepath.Glob(filepath.Join(d.dir, folder, s)); len(found) == 0 {
			return false
		}
	}
	return true
}

// set are the arguments that the environment has values for.
func (d *dockerfile) set() []string {
	return slices.DeleteFunc(slices.Clone(d.args), func(name string) bool { _, ok := os.LookupEnv(name); return !ok })
}

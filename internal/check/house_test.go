package check

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ownFile is the file of a check: that of the second half of its ID, or of the whole ID where
// two checks have the same second half.
func ownFile(id string, all []Check) string {
	_, half, _ := strings.Cut(id, "/")
	for _, c := range all {
		if other := c.ID[strings.IndexByte(c.ID, '/')+1:]; c.ID != id && other == half {
			half = strings.ReplaceAll(id, "/", "_")
			break
		}
	}
	return strings.ReplaceAll(half, "-", "_") + ".go"
}

// A check is found by its ID: its file is named for it, and holds it alone.
func TestAFileIsNamedForItsCheck(t *testing.T) {
	all := Catalogue()
	defined := map[string]string{} // ID to file
	for name, file := range parsed(t, token.NewFileSet()) {
		for _, id := range idsIn(t, file) {
			defined[id] = name
			if want := ownFile(id, all); name != want {
				t.Errorf("%s is defined in %s; its file is %s", id, name, want)
			}
		}
	}
	for _, c := range all {
		if defined[c.ID] == "" {
			t.Errorf("no file defines %s by a literal", c.ID)
		}
	}
}

// What several checks share lies in a file that is named for it: nobody looks for it in the
// file of one of them.
func TestNoFileUsesWhatAnotherChecksFileDefines(t *testing.T) {
	fset := token.NewFileSet()
	files := parsed(t, fset)
	own := map[string]bool{}
	for _, c := range Catalogue() {
		own[ownFile(c.ID, Catalogue())] = true
	}
	// Other packages are not looked into: what of them is used is none of this package's names.
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	conf := types.Config{Error: func(error) {}, Importer: noImports{}}
	sorted := slices.Sorted(maps.Keys(files))
	var asts []*ast.File
	for _, name := range sorted {
		asts = append(asts, files[name])
	}
	pkg, _ := conf.Check("check", fset, asts, info)
	if len(info.Uses) < 1000 {
		t.Fatalf("only %d uses of names were found: the files were not understood", len(info.Uses))
	}
	reported := map[string]bool{}
	for ident, object := range info.Uses {
		from, in := filepath.Base(fset.Position(object.Pos()).Filename), filepath.Base(fset.Position(ident.Pos()).Filename)
		if object.Pkg() != pkg || !own[from] || in == from {
			continue
		}
		if in == "catalogue.go" && object.Parent() == pkg.Scope() && isCheck(files[from], object.Name()) {
			continue // the list of all checks
		}
		if line := in + " uses " + object.Name() + " of " + from; !reported[line] {
			reported[line] = true
			t.Errorf("%s, which is a check's own file", line)
		}
	}
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not looked into") }

// parsed are the files of this package, tests aside, by their names.
func parsed(t *testing.T, fset *token.FileSet) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = f
	}
	return out
}

// literals are a file's Checks, by the names of their variables.
func literals(f *ast.File) map[string]*ast.CompositeLit {
	out := map[string]*ast.CompositeLit{}
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range g.Specs {
			v, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			for i, value := range v.Values {
				lit, ok := value.(*ast.CompositeLit)
				if !ok {
					continue
				}
				if name, ok := lit.Type.(*ast.Ident); ok && name.Name == "Check" {
					out[v.Names[i].Name] = lit
				}
			}
		}
	}
	return out
}

func isCheck(f *ast.File, name string) bool { return literals(f)[name] != nil }

func idsIn(t *testing.T, f *ast.File) []string {
	t.Helper()
	var out []string
	for _, lit := range literals(f) {
		for _, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			if key, ok := kv.Key.(*ast.Ident); !ok || key.Name != "ID" {
				continue
			}
			value, ok := kv.Value.(*ast.BasicLit)
			if !ok {
				t.Errorf("the ID of a check is no literal")
				continue
			}
			id, err := strconv.Unquote(value.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, id)
		}
	}
	return out
}

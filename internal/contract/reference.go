package contract

import (
	_ "embed" // the example
	"reflect"
	"slices"
	"strings"
)

// Example is a contract with every key.
//
//go:embed example.yaml
var Example string

// Key is a key of a contract, as its reference tells of it.
type Key struct {
	Path  string // "http.port", "waivers[].until"
	Type  string // "a number"
	Means string
}

// Group is a part of the reference: the keys at the root that belong together.
type Group struct {
	Title string
	Roots []string
	About string // paragraphs of Markdown
}

// Reference is the whole of a contract, group by group. The keys and their types are those of Contract.
func Reference() []Group { return groups }

// Keys are all of a group, in the order of their types.
func (g Group) Keys() []Key {
	var out []Key
	for _, k := range allKeys() {
		if root := strings.TrimSuffix(strings.Split(k.Path, ".")[0], "[]"); slices.Contains(g.Roots, root) {
			out = append(out, k)
		}
	}
	return out
}

func allKeys() []Key {
	return keysBelow(reflect.TypeFor[Contract](), "", map[reflect.Type]bool{})
}

// keysBelow lists the keys of a struct. Those of one that is used twice are told once.
func keysBelow(t reflect.Type, in string, told map[reflect.Type]bool) []Key {
	var out []Key
	for f := range t.Fields() {
		name := yamlName(f)
		if name == "" {
			continue
		}
		path, inner := join(in, name), f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		out = append(out, Key{path, written(inner), meanings[path]})
		if inner.Kind() == reflect.Slice {
			inner, path = inner.Elem(), path+"[]"
		}
		if inner.Kind() == reflect.Struct && !told[inner] {
			told[inner] = true
			out = append(out, keysBelow(inner, path, told)...)
		}
	}
	return out
}

// written says how a value of a type is written.
func written(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return "a duration, such as 30s"
	case reflect.TypeFor[Bytes]():
		return "a size, such as 60Mi"
	case reflect.TypeFor[Route]():
		return "a path, or keys"
	case reflect.TypeFor[[]Dependency]():
		return "a list of objects, or of keys"
	}
	switch {
	case t.Kind() == reflect.Struct:
		return "keys"
	case t.Kind() == reflect.Map:
		return "names and values"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text"
	case t.Kind() != reflect.Slice:
		return "a number"
	case t.Elem().Kind() == reflect.Struct:
		return "a list of keys"
	case t.Elem().Kind() == reflect.String:
		return "a list of texts"
	}
	return "a list of numbers"
}

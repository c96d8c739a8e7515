package workload

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/runtime"
)

// field is one field that the strict decoder refuses.
type field struct{ path, problem string }

var (
	unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)
	wrongType    = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \S*?\.([\w.]+) of type (\S+)`)
)

// strictFields reads the fields out of a strict decoding error, which names them only in its text.
func strictFields(err error) []field {
	if se, ok := runtime.AsStrictDecodingError(err); ok {
		var fs []field
		for _, e := range se.Errors() {
			f := field{problem: e.Error()}
			if m := unknownField.FindStringSubmatch(e.Error()); m != nil {
				f = field{m[1], fmt.Sprintf("unknown field %q", m[1])}
			}
			fs = append(fs, f)
		}
		return fs
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		return []field{{m[2], fmt.Sprintf("%s is a %s, and must be of type %s", m[2], m[1], m[3])}}
	}
	return []field{{"", err.Error()}}
}

var step = regexp.MustCompile(`([^.\[\]]+)|\[(\d+)\]`)

// lineOf finds the line of a field such as "spec.containers[0].imag"; the nearest parent's
// line where the path ends early.
func lineOf(doc *yaml.Node, path string) int {
	n := doc
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	line := n.Line
	for _, m := range step.FindAllStringSubmatch(path, -1) {
		next := child(n, m[1], m[2])
		if next == nil {
			// The decoder names a wrong type by its innermost field alone.
			if found := search(n, m[1]); found > 0 {
				return found
			}
			return line
		}
		n, line = next.value, next.line
	}
	return line
}

type entry struct {
	value *yaml.Node
	line  int
}

func child(n *yaml.Node, key, index string) *entry {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return &entry{n.Content[i+1], n.Content[i].Line}
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(index); err == nil && i < len(n.Content) {
			return &entry{n.Content[i], n.Content[i].Line}
		}
	}
	return nil
}

func search(n *yaml.Node, key string) int {
	if e := child(n, key, ""); e != nil {
		return e.line
	}
	for _, c := range n.Content {
		if l := search(c, key); l > 0 {
			return l
		}
	}
	return 0
}

var yamlLine = regexp.MustCompile(`line (\d+):`)

// at adds the line that a YAML error names to the file: "api.yaml:7".
func at(file string, err error) string {
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		return file + ":" + m[1]
	}
	return file
}

// text is a YAML error without its prefix and line, which at has given.
func text(err error) string {
	s := strings.TrimPrefix(err.Error(), "yaml: ")
	return strings.TrimSpace(yamlLine.ReplaceAllString(s, ""))
}

package workload

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
)

// field is one field that the strict decoder refuses.
type field struct {
	path, problem string
	got           string // the JSON type of its value, where that is what is wrong
}

var (
	unknownField = regexp.MustCompile(`unknown field "([^"]+)"`)
	wrongType    = regexp.MustCompile(`cannot unmarshal (\w+)(?: \S+)? into Go struct field \S*?\.([\w.]+) of type (\S+)`)
)

// strictFields reads the fields out of a strict decoding error, which names them only in its text.
func strictFields(err error) []field {
	if se, ok := runtime.AsStrictDecodingError(err); ok {
		var fs []field
		for _, e := range se.Errors() {
			f := field{problem: e.Error()}
			if m := unknownField.FindStringSubmatch(e.Error()); m != nil {
				f = field{path: m[1], problem: fmt.Sprintf("unknown field %q", m[1])}
			}
			fs = append(fs, f)
		}
		return fs
	}
	if m := wrongType.FindStringSubmatch(err.Error()); m != nil {
		return []field{{path: m[2], problem: fmt.Sprintf("%s is of type %s, and must be of type %s", m[2], m[1], m[3]), got: m[1]}}
	}
	return []field{{problem: err.Error()}}
}

var step = regexp.MustCompile(`([^.\[\]]+)|\[(\d+)\]`)

// place is a node of a document, and the line of the key that leads to it.
type place struct {
	node *yaml.Node
	line int
}

// lineOf finds the line of a field such as "spec.containers[0].imag"; the nearest parent's
// line where the path ends early. The decoder names a wrong type without the indices
// ("spec.containers.env.value"); of all such fields it is the first with a value of that type.
func lineOf(doc *yaml.Node, f field) int {
	root := doc
	if root.Kind == yaml.DocumentNode {
		root = root.Content[0]
	}
	places := []place{{root, root.Line}}
	for _, m := range step.FindAllStringSubmatch(f.path, -1) {
		var next []place
		for _, p := range places {
			next = append(next, children(p.node, m[1], m[2])...)
		}
		if len(next) == 0 {
			break
		}
		places = next
	}
	for _, p := range places {
		if jsonType(p.node) == f.got {
			return p.line
		}
	}
	return places[0].line
}

// children are the values of a key, or the item of an index. A key of a list's is looked
// for in every item.
func children(n *yaml.Node, key, index string) []place {
	var out []place
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				out = append(out, place{n.Content[i+1], n.Content[i].Line})
			}
		}
	case n.Kind == yaml.SequenceNode && index != "":
		if i, err := strconv.Atoi(index); err == nil && i < len(n.Content) {
			out = append(out, place{n.Content[i], n.Content[i].Line})
		}
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			out = append(out, children(item, key, "")...)
		}
	}
	return out
}

// oldBool are the plain words that YAML 1.1, and so Kubernetes, takes for a bool.
var oldBool = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)

// jsonType is the type of a node's value as Go's JSON decoder names it.
func jsonType(n *yaml.Node) string {
	switch tag := n.ShortTag(); {
	case n.Kind == yaml.MappingNode:
		return "object"
	case n.Kind == yaml.SequenceNode:
		return "array"
	case tag == "!!int", tag == "!!float":
		return "number"
	case tag == "!!bool", n.Style == 0 && oldBool.MatchString(n.Value):
		return "bool"
	}
	return "string"
}

// measured are the keys whose values are quantities.
var measured = []string{"requests", "limits", "capacity", "hard"}

// wrongQuantity is the first value at or below a node that is no quantity, and where it stands: the
// decoder says neither. It is nil where there is none.
func wrongQuantity(n *yaml.Node, path string, inside bool) (*yaml.Node, string) {
	for i, c := range n.Content {
		key, at := "", path
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			key = n.Content[i-1].Value
			at = strings.TrimPrefix(path+"."+key, ".")
		} else if n.Kind == yaml.SequenceNode {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		if c.Kind == yaml.ScalarNode && (inside || key == "sizeLimit") {
			if _, err := resource.ParseQuantity(c.Value); err != nil {
				return c, at
			}
		}
		if found, where := wrongQuantity(c, at, slices.Contains(measured, key)); found != nil {
			return found, where
		}
	}
	return nil, ""
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '([^']+)'`)

// anchorLine is the line of an alias to an anchor that is nowhere, which YAML's error leaves out; 0
// for another error.
func anchorLine(file []byte, err error) int {
	m := unknownAnchor.FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	i := bytes.Index(file, []byte("*"+m[1]))
	return 1 + bytes.Count(file[:max(i, 0)], []byte("\n"))
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
	if several := (*yaml.TypeError)(nil); errors.As(err, &several) {
		s = several.Errors[0]
	}
	return strings.TrimSpace(yamlLine.ReplaceAllString(s, ""))
}

package workload

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	sigsyaml "sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/contract"
)

// readFile reads one file of YAML documents.
func readFile(p Path) ([]Object, error) {
	b, err := os.ReadFile(p.Real)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Written, err)
	}
	return readText(p, b)
}

// readText reads the documents of a file.
func readText(p Path, b []byte) ([]Object, error) {
	var objects []Object
	var problems []string
	dec := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if line := templateLine(b, &doc, err); line > 0 {
			return nil, aTemplate(p, line)
		}
		if err != nil {
			where := at(p.Written, err)
			if line := anchorLine(b, err); line > 0 {
				where = fmt.Sprintf("%s:%d", p.Written, line)
			}
			problems = append(problems, fmt.Sprintf("%s: %s", where, text(err)))
			break // nothing after a syntax error can be trusted
		}
		for _, n := range items(&doc) {
			o, err := object(n, p.Written)
			problems = add(problems, err)
			if err == nil && o.Unstructured != nil {
				objects = append(objects, o)
			}
		}
	}
	if len(problems) > 0 {
		return nil, &ManifestError{problems}
	}
	return objects, nil
}

// items are the objects of a document: those of a List, as `kubectl get -o yaml` and
// templates write it, or the one that the document is.
func items(doc *yaml.Node) []*yaml.Node {
	if len(doc.Content) == 0 {
		return nil
	}
	root := doc.Content[0]
	list, kind := valueOf(root, "items"), valueOf(root, "kind")
	if list == nil || list.Kind != yaml.SequenceNode || kind == nil || !strings.HasSuffix(kind.Value, "List") {
		return []*yaml.Node{root}
	}
	var out []*yaml.Node
	for _, item := range list.Content {
		out = append(out, items(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{item}})...)
	}
	return out
}

// valueOf is the value of a mapping's key, and of a key in that one; nil without one.
func valueOf(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n.Kind != yaml.MappingNode {
			return nil
		}
		found := children(n, key, "")
		if len(found) == 0 {
			return nil
		}
		n = found[0].node
	}
	return n
}

// object is that of one document or list item. It is empty where there is nothing, and for a
// contract of podproof's own, which may lie beside manifests.
func object(n *yaml.Node, file string) (Object, error) {
	if n.Tag == "!!null" {
		return Object{}, nil // an empty document
	}
	where := Source{File: file, Line: n.Line, node: n}
	if n.Kind == yaml.SequenceNode {
		return Object{}, fmt.Errorf("%s: this document is a list, and must be one object, with apiVersion and kind: divide its items by `---`, or make them the `items` of a `kind: List`", where)
	}
	// Decoding refuses a key that is there twice; the way to JSON below takes the last one.
	if err := n.Decode(new(any)); err != nil {
		return Object{}, fmt.Errorf("%s: %s", at(file, err), text(err))
	}
	b, err := yaml.Marshal(n)
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
	if o.GetAPIVersion() == contract.APIVersion && o.GetKind() == contract.Kind {
		return Object{}, nil
	}
	if missing := unnamed(o); len(missing) > 0 {
		problem := fmt.Sprintf("%s: a Kubernetes object needs apiVersion, kind and metadata.name; this one has no %s", where, strings.Join(missing, " and no "))
		return Object{}, &ManifestError{append([]string{problem}, misspelt(o)...)}
	}
	return o, strictly(o)
}

// unnamed are those of the fields that say what an object is which it does not have.
func unnamed(o Object) []string {
	var missing []string
	if o.GetAPIVersion() == "" {
		missing = append(missing, "apiVersion")
	}
	if o.GetKind() == "" {
		missing = append(missing, "kind")
	}
	if o.GetName() == "" && o.GetGenerateName() == "" {
		missing = append(missing, "metadata.name")
	}
	return missing
}

// misspelt are the unknown fields of an object that does not say what it is: all of them where
// its kind tells, else those at its top that no kind of Kubernetes has.
func misspelt(o Object) []string {
	if o.GetKind() != "" {
		return misspeltIn(o)
	}
	if o.GetAPIVersion() != "" && !scheme.Scheme.IsVersionRegistered(o.GroupVersionKind().GroupVersion()) {
		return nil // a custom resource, or a contract
	}
	known := topFields()
	var problems []string
	root := o.Source.node
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		if slices.Contains(known, key.Value) {
			continue
		}
		hint := ""
		if near := contract.Nearest(key.Value, known); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		problems = append(problems, fmt.Sprintf("%s:%d: unknown field %q%s", o.Source.File, key.Line, key.Value, hint))
	}
	return problems
}

// misspeltIn are the unknown fields of an object that says its kind.
func misspeltIn(o Object) []string {
	o = Object{o.DeepCopy(), o.Source}
	if versions := versionsOf(o.GetKind()); o.GetAPIVersion() == "" && len(versions) > 0 {
		o.SetAPIVersion(versions[0].String())
	}
	if o.GetName() == "" {
		o.SetName("(no name)")
	}
	var wrong *ManifestError
	if o.GetAPIVersion() == "" || !errors.As(strictly(o), &wrong) {
		return nil
	}
	return wrong.Problems
}

// topFields are all that the kinds which client-go knows have at their top, beginning with
// those that most have.
func topFields() []string {
	known := []string{"apiVersion", "kind", "metadata", "spec", "data"}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && name != "-" && !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	return known
}

// strictly is strict, with the line of each field.
func strictly(o Object) error {
	err := strict(o)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "quantit") {
		if n, path := wrongQuantity(o.Source.node, "", false); n != nil {
			return &ManifestError{[]string{fmt.Sprintf("%s:%d: %s: %s is %q, which is no quantity: write a number with m, k, M, G, Ki, Mi or Gi, or none, after it", o.Source.File, n.Line, o, path, n.Value)}}
		}
	}
	var problems []string
	for _, f := range strictFields(err) {
		problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", o.Source.File, lineOf(o.Source.node, f), o, f.problem))
	}
	return &ManifestError{problems}
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

// longestName fits every kind: a Job's pods carry its name in a label (RFC 1123).
const longestName = 63

// nameGenerated gives a name to each object that leaves it to the API server: podproof applies
// an object in several namespaces, and finds it by its name.
func nameGenerated(objects []Object) {
	taken := map[string]bool{}
	for _, o := range objects {
		base := o.GetGenerateName()
		if o.GetName() != "" || base == "" {
			continue
		}
		for n := 1; ; n++ {
			ending := fmt.Sprintf("podproof-%d", n)
			o.SetName(base[:min(len(base), longestName-len(ending))] + ending)
			if !taken[o.String()] {
				break
			}
		}
		taken[o.String()] = true
		o.SetGenerateName("")
	}
}

package contract

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reader fills a struct from YAML nodes. Unlike the YAML library it goes on after a mistake,
// so that all of them are told at once, and keeps where every field stands.
type reader struct {
	root     reflect.Type
	problems []Problem
	at       map[string]*yaml.Node // by field: "http.port", "waivers[0].until"
	wrong    map[string]bool       // the fields that a problem was told of
}

func newReader(n *yaml.Node, into any) *reader {
	v := reflect.ValueOf(into).Elem()
	r := &reader{root: v.Type(), at: map[string]*yaml.Node{}, wrong: map[string]bool{}}
	r.read("", n, v)
	return r
}

func at(n *yaml.Node, format string, args ...any) Problem {
	return Problem{Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

// fail notes a mistake where the field stands, or where the nearest thing around it does.
func (r *reader) fail(field, format string, args ...any) {
	r.wrong[field] = true
	for around := field; ; around = around[:max(0, strings.LastIndexAny(around, ".["))] {
		if n := r.at[around]; n != nil {
			r.problems = append(r.problems, at(n, format, args...))
			return
		}
	}
}

// given tells whether the file has this field, be it right or wrong.
func (r *reader) given(field string) bool { return r.at[field] != nil }

// sound tells whether the file has this field, and nothing is known to be wrong with it.
func (r *reader) sound(field string) bool { return r.given(field) && !r.wrong[field] }

var (
	unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()
	shortened   = reflect.TypeFor[shortForm]()
)

// shortForm is a struct that may be written as a text alone.
type shortForm interface{ setText(string) }

func (r *reader) read(field string, n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	r.at[field] = n
	if n.ShortTag() == "!!null" {
		r.fail(field, "%s has no value; give it one or remove the line", field)
		return
	}
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.read(field, n, v.Elem())
	case n.Kind == yaml.ScalarNode && v.Addr().Type().Implements(shortened):
		var text string
		r.readText(field, n, reflect.ValueOf(&text).Elem())
		v.Addr().Interface().(shortForm).setText(text)
	case v.Kind() == reflect.Struct:
		r.readStruct(field, n, v)
	case v.Kind() == reflect.Slice:
		r.readList(field, n, v)
	case v.Kind() == reflect.Map:
		r.readTexts(field, n, v)
	case n.Kind != yaml.ScalarNode:
		r.fail(field, "%s is %s; write a single value", field, describe(n))
	case v.Addr().Type().Implements(unmarshaler):
		if err := n.Decode(v.Addr().Interface()); err != nil {
			r.fail(field, "%s: %v", field, err)
		}
	case v.CanInt():
		r.readInt(field, n, v)
	case v.Kind() == reflect.String:
		r.readText(field, n, v)
	case v.Kind() == reflect.Bool:
		if err := n.Decode(v.Addr().Interface()); err != nil {
			r.fail(field, "%s is %s; write true or false", field, describe(n))
		}
	default:
		if err := n.Decode(v.Addr().Interface()); err != nil {
			r.fail(field, "%s is %s; write a %s", field, describe(n), v.Type())
		}
	}
}

func (r *reader) readStruct(field string, n *yaml.Node, v reflect.Value) {
	keys := keysOf(v.Type())
	if n.Kind != yaml.MappingNode {
		r.fail(field, "%s is %s; write its keys under it: %s", field, describe(n), strings.Join(keys, ", "))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if first, ok := seen[key.Value]; ok {
			r.problems = append(r.problems, at(key, "the key %q was already given on line %d; remove one of them", key.Value, first))
			continue
		}
		seen[key.Value] = key.Line
		member, ok := memberOf(v, key.Value)
		if !ok || key.Kind != yaml.ScalarNode {
			r.problems = append(r.problems, at(key, "%s", r.unknown(key, field, keys)))
			continue
		}
		r.read(join(field, key.Value), value, member)
	}
}

func (r *reader) readList(field string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		hint := "write a list"
		if n.Kind == yaml.ScalarNode {
			hint = fmt.Sprintf("write a list: [%s]", n.Value)
		}
		r.fail(field, "%s is %s; %s", field, describe(n), hint)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		r.read(fmt.Sprintf("%s[%d]", field, i), item, v.Index(i))
	}
}

// readTexts takes a mapping of texts whose keys are the user's own, such as header fields.
func (r *reader) readTexts(field string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		r.fail(field, "%s is %s; write names and values under it", field, describe(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		text := reflect.New(v.Type().Elem()).Elem()
		r.read(join(field, n.Content[i].Value), n.Content[i+1], text)
		v.SetMapIndex(reflect.ValueOf(n.Content[i].Value), text)
	}
}

// decimal leaves out the forms that YAML reads in surprising ways: 0100 is 64 to it.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (r *reader) readInt(field string, n *yaml.Node, v reflect.Value) {
	plain, quoted := decimal.MatchString(n.Value), n.ShortTag() == "!!str"
	if !plain || quoted {
		hint := "write a whole number"
		if plain {
			hint = "write it without quotes: " + n.Value
		}
		r.fail(field, "%s is %s; %s", field, describe(n), hint)
		return
	}
	i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
	if err != nil {
		r.fail(field, "%s is %s, which is out of range; write a smaller number", field, n.Value)
		return
	}
	v.SetInt(i)
}

// readText takes numbers, dates and the like as they are written: `until: 2026-12-31`.
func (r *reader) readText(field string, n *yaml.Node, v reflect.Value) {
	if strings.TrimSpace(n.Value) == "" {
		r.fail(field, "%s is empty; give it a value or remove it", field)
		return
	}
	v.SetString(n.Value)
}

// unknown says what may have been meant by a key: one written alike, or one of another place.
func (r *reader) unknown(key *yaml.Node, in string, keys []string) string {
	what := fmt.Sprintf("unknown key %q", key.Value)
	if in != "" {
		what += " under " + in
	}
	if near := Nearest(key.Value, keys); near != "" {
		return fmt.Sprintf("%s; did you mean %q?", what, near)
	}
	if place := placeOf(r.root, "", key.Value); place != "" {
		return fmt.Sprintf("%s; did you mean %s?", what, place)
	}
	return fmt.Sprintf("%s; the keys here are: %s", what, strings.Join(keys, ", "))
}

// placeOf finds a key anywhere in the contract: "http.port", "waivers[].until".
func placeOf(t reflect.Type, in, key string) string {
	for f := range t.Fields() {
		name := yamlName(f)
		if name == "" {
			continue
		}
		if in != "" && name == key {
			return join(in, name)
		}
		inner, place := f.Type, join(in, name)
		if inner.Kind() == reflect.Slice {
			place += "[]"
		}
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			if found := placeOf(inner, place, key); found != "" {
				return found
			}
		}
	}
	return ""
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if name := yamlName(f); name != "" {
			keys = append(keys, name)
		}
	}
	return keys
}

func memberOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if name := yamlName(v.Type().Field(i)); name != "" && name == key {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

func join(in, name string) string {
	if in == "" {
		return name
	}
	return in + "." + name
}

// describe names what stands in the file, as a person would.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!null":
		return "empty"
	case n.ShortTag() == "!!str":
		return fmt.Sprintf("the text %q", n.Value)
	}
	return n.Value
}

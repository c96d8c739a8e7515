package contract

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// DefaultFile is the contract's name when none is given.
const DefaultFile = "podproof.yaml"

// Error is what is wrong with a contract: everything at once, in the order of the file.
type Error struct {
	File     string // as it was given
	Problems []Problem
	cause    error
}

// Problem is one mistake and what to write instead. Line and Column count from 1;
// they are 0 when the mistake has no place in the file.
type Problem struct {
	Line, Column int
	Message      string
	file         string // where it is not the contract itself
}

// Error prints one line for each mistake, as file:line:column.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.in(e.File)
	}
	if len(lines) == 1 {
		return lines[0]
	}
	return fmt.Sprintf("%s has %d mistakes:\n  %s", e.File, len(lines), strings.Join(lines, "\n  "))
}

// Unwrap lets errors.Is tell a file that is not there (fs.ErrNotExist).
func (e *Error) Unwrap() error { return e.cause }

// inOrder compares problems by their place.
func inOrder(a, b Problem) int {
	return cmp.Or(strings.Compare(a.file, b.file), a.Line-b.Line, a.Column-b.Column)
}

func (p Problem) in(file string) string {
	file = cmp.Or(p.file, file)
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", file, p.Message)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", file, p.Line, p.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", file, p.Line, p.Column, p.Message)
}

// Load reads a contract. An empty path means DefaultFile in the current folder; a folder
// means DefaultFile in it. Any error is an *Error.
func Load(path string) (Contract, error) {
	if path == "" {
		path = DefaultFile
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, DefaultFile)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		message, named := unreadable(path, err)
		if named { // there is one, by another name
			err = nil
		}
		return Contract{}, &Error{File: path, Problems: []Problem{{Message: message}}, cause: err}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return Contract{}, &Error{File: path, Problems: []Problem{{Message: err.Error()}}, cause: err}
	}
	c, problems := parse(data, dir)
	c.file = filepath.Base(path)
	problems = append(problems, c.readWaivers(filepath.Dir(path))...)
	if len(problems) > 0 {
		slices.SortStableFunc(problems, inOrder)
		return Contract{}, &Error{File: path, Problems: problems}
	}
	return c, nil
}

// unreadable says why, and whether there is one of another name.
func unreadable(path string, err error) (message string, named bool) {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("the contract cannot be read: %v", errors.Unwrap(err)), false
	}
	for _, ending := range []string{".yaml", ".yml"} {
		if other := strings.TrimSuffix(path, filepath.Ext(path)) + ending; other != path && exists(other) {
			return fmt.Sprintf("there is no such file, but %s is beside it; rename that one, or write -f %s", other, other), true
		}
	}
	if filepath.Base(path) == DefaultFile {
		return fmt.Sprintf("there is no contract here; run podproof where a %s is, name another contract with -f FILE, or have `podproof init` write one", DefaultFile), false
	}
	if other := filepath.Join(filepath.Dir(path), DefaultFile); exists(other) {
		return fmt.Sprintf("there is no such file, but %s is beside it; write -f %s to use that one", other, other), true
	}
	return fmt.Sprintf("there is no such file; correct -f, or have one written there: podproof init -f %s", path), false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Mistake is an error of a field ("waivers[0].id") of a contract that was read from a file.
func (c Contract) Mistake(file, field, format string, args ...any) error {
	p := c.places[field]
	p.Message = fmt.Sprintf(format, args...)
	return &Error{File: cmp.Or(file, DefaultFile), Problems: []Problem{p}}
}

// document is the one mapping of a YAML file that is to be a thing ("a contract").
func document(data []byte, thing, startWith string) (*yaml.Node, []Problem) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, []Problem{{Message: "the file is empty; " + startWith}}
	case err != nil:
		return nil, []Problem{syntaxProblem(data, err)}
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, []Problem{at(root, "this is %s and not %s; %s", describe(root), thing, startWith)}
	}
	var next yaml.Node
	switch err := dec.Decode(&next); {
	case err == nil:
		return nil, []Problem{at(&next, "a second YAML document starts here; %s is one document, write the other to a file of its own", thing)}
	case !errors.Is(err, io.EOF):
		return nil, []Problem{syntaxProblem(data, err)}
	}
	return root, nil
}

// parse reads and validates the text of a contract whose paths are relative to dir.
func parse(data []byte, dir string) (Contract, []Problem) {
	root, problems := document(data, "a contract", startWith)
	if root == nil {
		return Contract{}, problems
	}
	problems, isContract := header(root, Kind)
	if !isContract {
		return Contract{}, problems
	}
	c := Contract{dir: dir, digest: fmt.Sprintf("sha256:%x", sha256.Sum256(data))}
	r := newReader(root, &c)
	c.complete()
	r.validate(&c)
	c.places = map[string]Problem{}
	for field, n := range r.at {
		c.places[field] = Problem{Line: n.Line, Column: n.Column}
	}
	return c, append(problems, r.problems...)
}

var startWith = startOf(Kind)

// startOf says how a file of a kind begins.
func startOf(kind string) string {
	return "start it with the lines `apiVersion: " + APIVersion + "` and `kind: " + kind + "`"
}

// header looks at what kind of file this is. In a file that says to be of another kind every
// key would be unknown, so that nothing else is worth saying.
func header(root *yaml.Node, kind string) (problems []Problem, isKind bool) {
	isKind = true
	for _, must := range [][2]string{{"apiVersion", APIVersion}, {"kind", kind}} {
		key, want := must[0], must[1]
		v := lookup(root, key)
		switch {
		case v == nil:
			problems = append(problems, at(root, "%s is missing; write `%s: %s`", key, key, want))
		case v.ShortTag() == "!!null":
			// The reader says so.
		case v.Value != want:
			problems = append(problems, at(v, "%s is %s, but this podproof reads `%s: %s`", key, describe(v), key, want))
			isKind = false
		}
	}
	return problems, isKind
}

func lookup(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// syntaxProblem finds the line by itself: the parser tells where the construct began that it
// could not finish, counted differently from case to case. The culprit is the first line
// from which on no beginning of the file can be read.
func syntaxProblem(data []byte, err error) Problem {
	lines := bytes.SplitAfter(data, []byte("\n"))
	n := len(lines)
	for n > 1 && !readable(bytes.Join(lines[:n-1], nil)) {
		n--
	}
	_, what, found := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), "line ")
	if _, after, ok := strings.Cut(what, ": "); found && ok {
		what = after
	} else {
		what = strings.TrimPrefix(err.Error(), "yaml: ")
	}
	if bytes.HasPrefix(bytes.TrimLeft(lines[n-1], " "), []byte("\t")) {
		what += "; indent with spaces, not with a tab"
	}
	return Problem{Line: n, Message: "this is not YAML: " + what}
}

func readable(data []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// complete sets what follows from the contract's own other fields.
func (c *Contract) complete() {
	b := c.Build
	if b == nil {
		return
	}
	if b.Context == "" {
		b.Context = "."
	}
	if b.Dockerfile == "" {
		b.Dockerfile = filepath.Join(b.Context, "Dockerfile")
	}
}

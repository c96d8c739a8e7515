package contract

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"
)

// PolicyKind is the kind of a file that says what a gate asks for.
const PolicyKind = "Gate"

// UsualMaxAge is how old a proof may be where nobody says otherwise.
const UsualMaxAge = Duration(14 * 24 * time.Hour)

// Policy is what a gate asks of an image's proof. Its zero value asks for the most: every promise
// that the run knew was looked at and is kept, on every platform that the image has.
type Policy struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`

	// Keys are files of public keys (PEM), of which one has signed. Paths are relative to the policy's folder.
	Keys []string `yaml:"keys"`
	// Contract is a file by which the evidence is judged again, in place of the recorded contract.
	Contract string `yaml:"contract"`
	// MaxAge is how long ago the run may have ended; 0 is UsualMaxAge.
	MaxAge Duration `yaml:"maxAge"`
	// Require are IDs of checks, with globs, whose promises must have been tried and be kept. None
	// requires that the run left none out.
	Require []string `yaml:"require"`
	// AllowWaivers lets promises be waived, AllowInconclusive those be undecided that are not in Require.
	AllowWaivers      bool `yaml:"allowWaivers"`
	AllowInconclusive bool `yaml:"allowInconclusive"`
	// AllowNoRecord takes the signer's own verdicts where no evidence was stored to judge again.
	AllowNoRecord bool `yaml:"allowNoRecord"`
	// Platforms are those that the image will run on: "linux/amd64". None is all that the image has.
	Platforms []string `yaml:"platforms"`
	// MinVersion is the oldest podproof whose run counts: "v0.4.0".
	MinVersion string `yaml:"minVersion"`

	dir    string
	file   string
	places map[string]Problem
}

// LoadPolicy reads a gate's policy. Any error is an *Error.
func LoadPolicy(path string) (Policy, error) {
	wrong := func(problems ...Problem) (Policy, error) {
		return Policy{}, &Error{File: path, Problems: problems}
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return wrong(Problem{Message: "there is no such file; correct -f, or write a policy there: " + startOf(PolicyKind)})
	case err != nil:
		return wrong(Problem{Message: fmt.Sprintf("the policy cannot be read: %v", errors.Unwrap(err))})
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return wrong(Problem{Message: err.Error()})
	}
	root, problems := document(data, "a gate's policy", startOf(PolicyKind))
	if root == nil {
		return wrong(problems...)
	}
	problems, isPolicy := header(root, PolicyKind)
	if !isPolicy {
		return wrong(problems...)
	}
	p := Policy{dir: dir, file: path, places: map[string]Problem{}}
	r := newReader(root, &p)
	r.policy(&p)
	for field, n := range r.at {
		p.places[field] = Problem{Line: n.Line, Column: n.Column}
	}
	if problems = append(problems, r.problems...); len(problems) > 0 {
		slices.SortStableFunc(problems, inOrder)
		return wrong(problems...)
	}
	return p, nil
}

// Path resolves a path of the policy against the folder that the policy lies in.
func (p Policy) Path(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(p.dir, file)
}

// Mistake is an error of a field of a policy that was read from a file.
func (p Policy) Mistake(field, format string, args ...any) error {
	at := p.places[field]
	at.Message = fmt.Sprintf(format, args...)
	return &Error{File: p.file, Problems: []Problem{at}}
}

func (r *reader) policy(p *Policy) {
	for _, l := range []struct {
		field string
		list  []string
	}{{"keys", p.Keys}, {"require", p.Require}, {"platforms", p.Platforms}} {
		if r.sound(l.field) && len(l.list) == 0 {
			r.fail(l.field, "%s is an empty list; name what it is to hold or remove the line", l.field)
		}
		r.distinct(l.field, l.list)
	}
	for i, s := range p.Platforms {
		if s != "" && !IsPlatform(s) {
			r.fail(fmt.Sprintf("platforms[%d]", i), "platforms: %q is not a platform; write it as linux/amd64", s)
		}
	}
	if p.MinVersion != "" && !IsVersion(p.MinVersion) {
		r.fail("minVersion", "minVersion is %q; write a version such as v0.4.0", p.MinVersion)
	}
}

// IsPlatform tells whether a text is an operating system and an architecture: "linux/amd64".
func IsPlatform(s string) bool {
	os, arch, ok := strings.Cut(s, "/")
	return ok && os != "" && arch != "" && !strings.ContainsAny(arch, "/ ") && !strings.Contains(os, " ")
}

// IsVersion tells whether a text is a version that can be compared with others: "v0.4.0".
func IsVersion(s string) bool {
	_, err := version.ParseSemantic(s)
	return err == nil
}

package report

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// An alert is one place where a promise is broken, or one promise that could not be decided, as the
// pages of GitHub and GitLab list them: each at a line of a file of the repository.
type alert struct {
	Verdict
	finding *check.Finding // nil where the alert is about the whole promise
	// fingerprint is the same from run to run.
	fingerprint string
	file        string // in the repository, with slashes
	line        int    // from 1
	nth         int    // of its verdict's alerts, from 0
}

// alerts are all of them, what is broken first. A promise that is waived has none, nor has a finding
// that is: both pages would show it as open.
func (r Report) alerts() []alert {
	var out []alert
	for _, s := range []check.Status{check.Fail, check.Inconclusive} {
		for _, v := range r.with(s) {
			out = append(out, r.alertsOf(v)...)
		}
	}
	return out
}

func (r Report) alertsOf(v Verdict) []alert {
	var out []alert
	if v.Verdict == check.Fail {
		for i := range v.Findings {
			f := &v.Findings[i]
			if f.Note || f.Waiver != nil {
				continue
			}
			a := alert{Verdict: v, finding: f, fingerprint: f.Fingerprint, nth: len(out)}
			if a.fingerprint == "" {
				a.fingerprint = hash(v.ID, f.Where, f.Message)
			}
			a.file, a.line = r.place(f)
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		return out
	}
	whole := alert{Verdict: v, fingerprint: hash(v.ID), file: r.contract, line: 1}
	for i := range v.Findings {
		if l := v.Findings[i].Location; l != nil && l.File != "" {
			whole.file, whole.line = r.place(&v.Findings[i])
			break
		}
	}
	return []alert{whole}
}

// place is where a finding stands in the repository: at the contract's first line where it stands in
// no file of it.
func (r Report) place(f *check.Finding) (file string, line int) {
	if f.Location == nil || f.Location.File == "" {
		return r.contract, 1
	}
	// A location's file is relative to the contract.
	file = filepath.ToSlash(f.Location.File)
	if !path.IsAbs(file) {
		file = path.Join(path.Dir(r.contract), file)
	} else {
		file = inRepository(f.Location.File)
	}
	if !filepath.IsLocal(file) {
		return r.contract, 1
	}
	return file, max(f.Location.Line, 1)
}

// what says what is wrong in one sentence.
func (a alert) what() string {
	if a.finding != nil {
		return findingText(*a.finding)
	}
	return a.Seen
}

// inRepository is a file's path from the root of its repository, which is the nearest folder above
// it that git keeps, or else the current folder. One that lies elsewhere is named alone.
func inRepository(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		return contract.DefaultFile
	}
	root, err := os.Getwd()
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if _, gitErr := os.Stat(filepath.Join(dir, ".git")); gitErr == nil {
			root, err = dir, nil
			break
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if err == nil {
		if rel, err := filepath.Rel(root, abs); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(abs)
}

// uri is a path as a relative URI without colons and blanks: GitHub refuses the whole file where
// one has them.
func uri(file string) string {
	return strings.ReplaceAll((&url.URL{Path: file}).EscapedPath(), ":", "%3A")
}

// repository is an image's name without its tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		image = image[:i]
	}
	return image
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:8])
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

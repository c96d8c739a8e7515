package report

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"

	"podproof.dev/podproof/internal/check"
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
	placed      bool   // that is where it stands, not only where it is told
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
			at := f.Location
			if at == nil || at.File == "" {
				at = v.Location // it is in the image, or in an object that was piped
			}
			a.file, a.line, a.placed = r.home.place(at)
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		return out
	}
	whole := alert{Verdict: v, fingerprint: hash(v.ID)}
	at := v.Location
	for i := range v.Findings {
		if l := v.Findings[i].Location; at == nil && l != nil && l.File != "" {
			at = l
		}
	}
	whole.file, whole.line, whole.placed = r.home.place(at)
	return []alert{whole}
}

// what says what is wrong in one sentence.
func (a alert) what() string {
	text, at := a.Seen, a.Location
	if a.finding != nil {
		text = findingText(*a.finding)
		if l := a.finding.Location; l != nil && l.File != "" {
			at = l
		}
	}
	if at != nil && at.File != "" && at.About != "" {
		text += " (" + at.About + ")"
	}
	return text
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

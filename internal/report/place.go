package report

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"podproof.dev/podproof/internal/check"
)

// at says in short where a location is, "deploy/app.yaml:31" in the repository, or in what object and field
// where it is in no file. It is empty for one in the image, which its finding names.
func (h Home) at(l *check.Location) string {
	return placeText(l, h.inRepository)
}

// here is at for whoever reads it in the current folder: an editor's terminal opens such a place.
func (h Home) here(l *check.Location) string {
	return placeText(l, func(file string) string {
		file = h.inRepository(file)
		dir, err := os.Getwd()
		if h.root == "" || err != nil {
			return file
		}
		if rel, err := filepath.Rel(dir, filepath.Join(h.root, file)); err == nil && filepath.IsLocal(rel) {
			return rel
		}
		return file
	})
}

func (h Home) inRepository(file string) string {
	if in, ok := h.in(file); ok {
		return in
	}
	return file
}

func placeText(l *check.Location, path func(string) string) string {
	switch {
	case l == nil:
		return ""
	case l.File != "" && l.Line > 0:
		return fmt.Sprintf("%s:%d", path(l.File), l.Line)
	case l.File != "":
		return path(l.File)
	case l.Field != "":
		return l.Object + ", " + l.Field
	}
	return l.Object
}

// names tells whether a text names a place: Dockerfile:42 is not Dockerfile:4.
func names(text, place string) bool {
	for {
		_, after, found := strings.Cut(text, place)
		if !found {
			return false
		}
		if after == "" || after[0] < '0' || after[0] > '9' {
			return true
		}
		text = after
	}
}

// where says where a promise that is broken is mended; empty where what was seen names the place.
func (v Verdict) where(at func(*check.Location) string) string {
	place := at(v.Location)
	if v.Verdict != check.Fail || place == "" || names(v.Seen, place) {
		return ""
	}
	return place
}

// about says what is to be changed where that is not at the place itself.
func (v Verdict) about() string {
	if v.Location == nil || v.Location.About == "" {
		return ""
	}
	return " (" + v.Location.About + ")"
}

// placeRow is all of that for a page.
func placeRow(home Home, v Verdict) string {
	if place := v.where(home.at); place != "" {
		return place + v.about()
	}
	return ""
}

// ofFinding is the place of a finding in a file, where it is another than the promise's and its text does not name it.
func (v Verdict) ofFinding(f check.Finding, at func(*check.Location) string) string {
	if v.Verdict != check.Fail || f.Note || f.Location == nil || f.Location.File == "" {
		return ""
	}
	if place := at(f.Location); place != at(v.Location) && !names(findingText(f), place) {
		return place
	}
	return ""
}

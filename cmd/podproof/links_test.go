package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// What a document leads to is there: a file, a folder, a heading.
func TestTheDocumentsLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	links := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		for _, m := range markdownLink.FindAllStringSubmatch(prose(t, path), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			name, anchor, _ := strings.Cut(m[1], "#")
			to := path
			if name != "" {
				to = filepath.Join(filepath.Dir(path), name)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s leads to %s, which is not there", path, m[1])
			} else if anchor != "" && !hasHeading(prose(t, to), anchor) {
				t.Errorf("%s leads to %s, where no heading is called that", path, m[1])
			}
		}
		return nil
	})
	if err != nil || links < 50 {
		t.Errorf("%d links: %v", links, err)
	}
}

// The first page is read before anything is decided.
func TestTheReadmeIsShort(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(data), "\n"); n > 120 {
		t.Errorf("README.md has %d lines, which should be 120 at most: move what is not for the first reading to docs", n)
	}
}

// prose is a document without its blocks of code.
func prose(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	code := false
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		} else if !code {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// hasHeading tells whether a heading has an anchor, as GitHub makes one.
func hasHeading(text, anchor string) bool {
	for line := range strings.Lines(text) {
		title := strings.TrimLeft(line, "#")
		if title == line {
			continue
		}
		title = notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		if strings.ReplaceAll(title, " ", "-") == anchor {
			return true
		}
	}
	return false
}

package contract

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Paths are patterns for paths of an image. A pattern that begins with "/" is for the whole
// path, any other for its end at any depth: "/app/tests", "*.pem", "app/.env". "*", "?" and
// "[a-z]" stand for characters of one name, as in path.Match, and "**" for any number of
// folders. A pattern that fits a folder holds for all that lies below it.
type Paths []pattern

// pattern is cut at its slashes; written is as the contract has it.
type pattern struct {
	written string
	names   []string
}

// NewPaths takes patterns of a loaded contract. One that is malformed fits nothing.
func NewPaths(patterns []string) Paths {
	var out Paths
	for _, p := range patterns {
		names := strings.Split(strings.Trim(p, "/"), "/")
		if !strings.HasPrefix(p, "/") {
			names = append([]string{"**"}, names...)
		}
		out = append(out, pattern{p, names})
	}
	return out
}

// Match returns the first pattern that fits a path or a folder above it, and the topmost
// path that it fits: "/app/.git" for a file in there. Both are empty where none fits.
func (ps Paths) Match(file string) (pattern, at string) {
	names := strings.Split(strings.Trim(path.Clean("/"+file), "/"), "/")
	for _, p := range ps {
		for n := 1; n <= len(names); n++ {
			if fits(p.names, names[:n]) {
				return p.written, "/" + strings.Join(names[:n], "/")
			}
		}
	}
	return "", ""
}

func fits(pattern, names []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for n := range len(names) + 1 {
				if fits(pattern[1:], names[n:]) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], names[0]); err != nil || !ok {
			return false
		}
		pattern, names = pattern[1:], names[1:]
	}
	return len(names) == 0
}

// checkPattern says what is wrong with a pattern.
func checkPattern(p string) error {
	trimmed := strings.Trim(p, "/")
	if trimmed == "" || strings.Trim(trimmed, "*/") == "" {
		return fmt.Errorf("%q matches every path; write a narrower one, such as /app/tests or *.pem", p)
	}
	for _, name := range strings.Split(trimmed, "/") {
		switch {
		case name == "." || name == "..":
			return fmt.Errorf("%q has %q in it, which no path of an image has; write %s", p, name, path.Clean("/"+p))
		case name == "":
			return fmt.Errorf("%q has two slashes in a row, which no path of an image has; write %s", p, path.Clean(p))
		case strings.Contains(name, "**") && name != "**":
			return fmt.Errorf("%q has ** beside other characters, where it would mean no more than *; write ** between slashes, or *", p)
		}
		if _, err := path.Match(name, ""); errors.Is(err, path.ErrBadPattern) {
			return fmt.Errorf("%q is not a valid pattern: a [ is not closed, or a \\ ends it", p)
		}
	}
	return nil
}

package build

import (
	"os"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

var (
	// pinned is "name==1.2" without wildcard, or "name @ https://…" with a commit or a hash in it.
	pinned = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*(?:===?\s*[^\s*,;]+\s*(?:[;#\\]|--|$)|@\s*\S*(?:@[0-9a-f]{40}|#sha\d+=[0-9a-f]{32,}))`)
	// compiled are the words with which the tools that resolve dependencies begin their files,
	// or by which they say where one comes from.
	include  = regexp.MustCompile(`^(?:-r|--requirement)[\s=]*(\S+)`)
	compiled = regexp.MustCompile(`(?m)^#\s*(?:This file (?:is|was) (?:@?(?:auto)?generated|exported) |.*\bpip-compile\b)|^\s*#\s*via\b`)
)

// requirements counts what a requirements file names, nil when it is not one.
func requirements(file string) *evidence.Requirements {
	text, err := os.ReadFile(file)
	if err != nil || len(text) > 1<<20 {
		return nil
	}
	out := evidence.Requirements{Compiled: compiled.Match(text)}
	lines := strings.Split(strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\\\n", " "), "\n")
	for _, l := range lines {
		l = strings.TrimSpace(l)
		if m := include.FindStringSubmatch(l); m != nil {
			out.Includes = append(out.Includes, m[1])
		}
		if l == "" || strings.HasPrefix(l, "#") || strings.HasPrefix(l, "-") {
			continue
		}
		out.Names++
		if pinned.MatchString(l) {
			out.Pinned++
		}
		if strings.Contains(l, "--hash=") {
			out.Hashed++
		}
	}
	return &out
}

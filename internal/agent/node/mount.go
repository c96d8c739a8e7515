package node

import (
	"os"
	"strconv"
	"strings"
)

// mount is a line of mountinfo (proc_pid_mountinfo(5)). Its texts are escaped as they are there.
type mount struct{ point, options string }

func (p process) mounts() ([]mount, error) {
	all, err := os.ReadFile(p.file("mountinfo"))
	if err != nil {
		return nil, err
	}
	var out []mount
	for line := range strings.Lines(string(all)) {
		// The kernel writes one space between two fields, and none in them.
		words := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		if len(words) > 4 {
			out = append(out, mount{point: words[4], options: words[len(words)-1]})
		}
	}
	return out, nil
}

// option is the value of one of the file system's own options.
func (m mount) option(name string) string {
	for o := range strings.SplitSeq(m.options, ",") {
		if v, ok := strings.CutPrefix(o, name+"="); ok {
			return unescape(v)
		}
	}
	return ""
}

// unescape reads the octal numbers that stand for blanks and backslashes.
func unescape(s string) string {
	const digits = 3
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, `\`)
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if n, err := strconv.ParseUint(after[:min(digits, len(after))], 8, 8); err == nil && len(after) >= digits {
			out.WriteByte(byte(n))
			s = after[digits:]
			continue
		}
		out.WriteByte('\\')
		s = after
	}
}

package workload

import (
	"slices"
	"strings"
	"unicode/utf8"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

// What is kept of one container's log: so much of its beginning, and as much of its end.
const (
	keptLines = 1000
	keptBytes = 512 << 10
	// keptLine is how much of one line is kept, in bytes.
	keptLine = 32 << 10
	// keptFound is how many lines are kept for each secret that stands in them, wherever they
	// are, and keptSecrets for how many secrets.
	keptFound   = 5
	keptSecrets = 50
)

// log is what a container says, without the values of Secrets. All of it goes through, and its
// beginning, its end and the lines that held a secret are kept.
type log struct {
	total, skipped int // lines in all, and those before the first of end
	begin, end     []evidence.LogLine
	full           bool // begin is
	size           int  // of begin while it grows, then of end, in bytes
	found          []foundLine
	marks          map[string]int
}

type foundLine struct {
	n    int // the number of lines before it
	line evidence.LogLine
}

// add takes in the next line.
func (l *log) add(line evidence.LogLine) {
	l.note(line)
	l.total++
	l.size += len(line.Text)
	if !l.full && len(l.begin) < keptLines && l.size <= keptBytes {
		l.begin = append(l.begin, line)
		l.skipped = len(l.begin)
		return
	}
	if !l.full {
		l.full, l.size = true, len(line.Text)
	}
	l.end = append(l.end, line)
	for len(l.end) > keptLines || l.size > keptBytes {
		l.size -= len(l.end[0].Text)
		l.end[0] = evidence.LogLine{} // its text goes, the array behind the slice may stay
		l.end = l.end[1:]
		l.skipped++
	}
}

// note remembers a line that held secrets.
func (l *log) note(line evidence.LogLine) {
	if !strings.Contains(line.Text, "[value of ") {
		return
	}
	more := false
	for _, mark := range redact.Mark.FindAllString(line.Text, -1) {
		if l.marks == nil {
			l.marks = map[string]int{}
		}
		if n := l.marks[mark]; n < keptFound && (n > 0 || len(l.marks) < keptSecrets) {
			l.marks[mark]++
			more = true
		}
	}
	if more {
		l.found = append(l.found, foundLine{l.total, line})
	}
}

// lines are those that are kept, in order, and how many are not.
func (l *log) lines() (kept []evidence.LogLine, omitted int) {
	if l == nil {
		return nil, 0
	}
	kept = slices.Clone(l.begin)
	for _, f := range l.found {
		if f.n >= len(l.begin) && f.n < l.skipped {
			kept = append(kept, f.line)
		}
	}
	kept = append(kept, l.end...)
	return kept, l.total - len(kept)
}

// longestPiece bounds what is held of one line, and overlap is what of a piece is searched
// again with the next one: more than any form of a value takes (redact looks for 4 KiB).
const (
	longestPiece = 1 << 20
	overlap      = 64 << 10
)

// lineText collects the text of one line, of any length: what is too long is searched and dropped.
type lineText struct {
	redact func(string) string
	raw    []byte
	text   string
	cut    int
	marks  []string
}

func (t *lineText) write(piece []byte) {
	t.raw = append(t.raw, piece...)
	if len(t.raw) > longestPiece {
		t.search(overlap)
	}
}

// search takes the secrets out of what was written, and holds the last bytes back for the next time.
func (t *lineText) search(hold int) {
	s := t.redact(string(t.raw))
	rest := s
	if t.cut == 0 {
		n := len(s)
		if n > keptLine {
			for n = keptLine; !utf8.RuneStart(s[n]); {
				n--
			}
		}
		t.text, rest = s[:n], s[n:]
	}
	t.cut += max(0, len(rest)-hold)
	for _, m := range redact.Mark.FindAllString(s, -1) { // the cut may go through one
		if !strings.Contains(t.text, m) && !slices.Contains(t.marks, m) && len(t.marks) < keptSecrets {
			t.marks = append(t.marks, m)
		}
	}
	t.raw = append(t.raw[:0], t.raw[len(t.raw)-min(hold, len(t.raw)):]...)
}

// end is the whole line, or its beginning with the secrets that stand further on, and the
// number of bytes that were left out.
func (t *lineText) end() (text string, cut int) {
	t.search(0)
	text, cut = t.text, t.cut
	if len(t.marks) > 0 {
		text += " … " + strings.Join(t.marks, " … ")
	}
	*t = lineText{redact: t.redact, raw: t.raw[:0]}
	return text, cut
}

// MergeLogs joins a log as it was followed over the API, from the first line on, with the file
// of the container runtime, which tells the streams and may have lost its beginning.
func MergeLogs(followed, file evidence.ContainerLog) evidence.ContainerLog {
	if len(file.Lines) == 0 {
		return followed
	}
	type line struct {
		at   int64
		text string
	}
	have := map[line]bool{}
	all := slices.Clone(file.Lines)
	for _, l := range file.Lines {
		have[line{l.At.UnixNano(), l.Text}] = true
	}
	complete := len(file.Lines)+file.Omitted >= len(followed.Lines)+followed.Omitted &&
		(len(followed.Lines) == 0 || !file.Lines[0].At.After(followed.Lines[0].At))
	for _, l := range followed.Lines {
		held := redact.Mark.MatchString(l.Text)
		if !have[line{l.At.UnixNano(), l.Text}] && (!complete || held) {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b evidence.LogLine) int { return a.At.Compare(b.At) })
	var merged log
	for _, l := range all {
		merged.add(l)
	}
	out := evidence.ContainerLog{Container: followed.Container}
	if !complete {
		out.Unread = followed.Unread
	}
	out.Lines, _ = merged.lines()
	out.Omitted = max(len(file.Lines)+file.Omitted, len(followed.Lines)+followed.Omitted, len(all)) - len(out.Lines)
	return out
}

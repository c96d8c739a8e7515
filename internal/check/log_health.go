package check

import (
	"encoding/json"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

var (
	// stackTrace are lines that only an error that nobody handled writes.
	stackTrace = regexp.MustCompile(`^Traceback \(most recent call last\):|^panic: |^goroutine \d+ \[|^Exception in thread |^\s+at [\w$.<>]+\(\S*:?\d*\)|^fatal error: |^thread '[^']*' panicked at `)
	// errorLevel is the level of a line of text, where levels stand: near its beginning.
	errorLevel = regexp.MustCompile(`^.{0,60}?\b(?:ERROR|FATAL|CRITICAL|PANIC)\b`)
)

// unwell finds what a healthy start does not write: stack traces, lines of level error, and
// lines of text between lines of JSON, which no collector can parse.
func (j *Judgement) unwell(p evidence.Pod) {
	where := "pod " + p.Name + ", log"
	structured, plain := 0, ""
	for _, l := range p.Log {
		text := strings.TrimSpace(l.Text)
		if text == "" {
			continue
		}
		level, isJSON := jsonLevel(text)
		if !isJSON && l.Cut > 0 && strings.HasPrefix(text, "{") {
			if level, isJSON = cutLevel(text); !isJSON { // it may be an object, or not
				continue
			}
		}
		switch {
		case isJSON:
			structured++
		case plain == "":
			plain = text
		}
		switch {
		case stackTrace.MatchString(l.Text):
			j.broken(where, "a stack trace in a healthy start: %s", said(text, 200))
			return // what follows belongs to it
		case isJSON && isErrorLevel(level), !isJSON && errorLevel.MatchString(text):
			j.broken(where, "a line of level error in a healthy start: %s", said(text, 200))
		}
	}
	if structured > 0 && plain != "" {
		j.broken(where, "lines of JSON, and lines that are not JSON: %s", said(plain, 200))
	}
}

// jsonLevel is the level of a line that is one JSON object.
func jsonLevel(line string) (level string, ok bool) {
	if !strings.HasPrefix(line, "{") {
		return "", false
	}
	var fields map[string]any
	if json.Unmarshal([]byte(line), &fields) != nil {
		return "", false
	}
	return levelOf(fields), true
}

// cutLevel is the level of a line that begins as a JSON object does and whose end was not kept, by the
// fields that stand whole in its beginning. It is false where none does.
func cutLevel(line string) (level string, ok bool) {
	d := json.NewDecoder(strings.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", false
	}
	fields := map[string]any{}
	for d.More() {
		var v any
		name, err := d.Token()
		if err != nil || d.Decode(&v) != nil {
			break
		}
		if name, is := name.(string); is {
			fields[name], ok = v, true
		}
	}
	return levelOf(fields), ok
}

func levelOf(fields map[string]any) string {
	for _, name := range []string{"level", "severity", "levelname", "log.level", "lvl"} {
		if s, ok := fields[name].(string); ok {
			return s
		}
	}
	return ""
}

func isErrorLevel(level string) bool {
	switch strings.ToLower(level) {
	case "error", "err", "fatal", "critical", "panic", "alert", "emergency":
		return true
	}
	return false
}

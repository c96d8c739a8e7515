package workload

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)

const noonText = "2026-11-24T12:00:00.123456789Z"

func TestParseCRI(t *testing.T) {
	line := func(stream, text string) evidence.LogLine {
		return evidence.LogLine{At: noon, Stream: stream, Text: text}
	}
	for _, c := range []struct {
		name, file string
		want       []evidence.LogLine
	}{
		{"both streams", noonText + " stdout F out\n" + noonText + " stderr F err  two\n",
			[]evidence.LogLine{line("stdout", "out"), line("stderr", "err  two")}},
		{"an empty line", noonText + " stdout F \n", []evidence.LogLine{line("stdout", "")}},
		{"a line in parts", noonText + " stdout P one \n" + noonText + " stdout P two \n" + noonText + " stdout F three\n",
			[]evidence.LogLine{line("stdout", "one two three")}},
		{"parts of both streams, mixed",
			noonText + " stdout P o\n" + noonText + " stderr P e\n" + noonText + " stdout F ut\n" + noonText + " stderr F rr\n",
			[]evidence.LogLine{line("stdout", "out"), line("stderr", "err")}},
		{"what is no line of the format", "rubbish\n" + noonText + " stdout\nyesterday stdout F old\n" + noonText + " stdout F new",
			[]evidence.LogLine{line("stdout", "new")}},
		{"nothing", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, readCRI(t, c.file).Log("").Lines); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func hide(s string) string { return strings.ReplaceAll(s, "hunter2", "[value of secret/api:KEY]") }

func readCRI(t *testing.T, file string) *CRIReader {
	t.Helper()
	c := NewCRIReader(hide)
	if err := c.Read(strings.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	return c
}

// A value that the runtime splits into two lines of its file is found all the same.
func TestCRIJoinsBeforeItSearches(t *testing.T) {
	got := readCRI(t, noonText+" stdout P key=hun\n"+noonText+" stdout F ter2\n").Log("")
	if diff := cmp.Diff([]evidence.LogLine{{At: noon, Stream: "stdout", Text: "key=[value of secret/api:KEY]"}}, got.Lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCRIFilesOfSeveralContainers(t *testing.T) {
	c := readCRI(t, ">migrate\n"+noonText+" stdout F up\n"+noonText+" stdout P hunter2\n>api\n"+noonText+" stderr F Started\n")
	if diff := cmp.Diff([]string{"migrate", "api"}, c.Containers()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if l := c.Log("migrate").Lines; len(l) != 2 || l[1].Text != "[value of secret/api:KEY]" {
		t.Errorf("migrate said %v", l)
	}
	if l := c.Log("api").Lines; len(l) != 1 || l[0].Text != "Started" {
		t.Errorf("api said %v", l)
	}
}

// A dump without a line's end takes no memory of its size, and is searched to its end.
func TestCRILineOfAnyLength(t *testing.T) {
	piece := noonText + " stdout P " + strings.Repeat("x", 16<<10) + "\n"
	got := readCRI(t, strings.Repeat(piece, 640)+noonText+" stdout P hun\n"+noonText+" stdout P ter2"+strings.Repeat("y", 99)+"\n"+
		strings.Repeat(piece, 64)+noonText+" stdout F end\n"+noonText+" stdout F next\n").Log("")
	if len(got.Lines) != 2 || got.Lines[1].Text != "next" {
		t.Fatalf("%d lines", len(got.Lines))
	}
	l := got.Lines[0]
	if len(l.Text) > keptLine+100 || !strings.HasSuffix(l.Text, "[value of secret/api:KEY]") {
		t.Errorf("%d bytes are kept, ending with %q", len(l.Text), l.Text[len(l.Text)-40:])
	}
	if whole := 704*16<<10 + 5 + 99 + 3; l.Cut < whole-keptLine-100 || l.Cut > whole {
		t.Errorf("%d bytes are cut of %d", l.Cut, whole)
	}
}

// Of a log without end the beginning, the end, and what matters between them are kept.
func TestLogIsBounded(t *testing.T) {
	var l log
	for i := range 500_000 {
		text := fmt.Sprintf("line %d", i)
		if i > 250_000 && i < 250_100 {
			text = hide(text + " hunter2")
		}
		l.add(evidence.LogLine{Text: text})
	}
	kept, omitted := l.lines()
	if len(kept) != 2*keptLines+keptFound || omitted != 500_000-len(kept) {
		t.Fatalf("%d lines are kept and %d are not", len(kept), omitted)
	}
	if kept[999].Text != "line 999" || !strings.HasPrefix(kept[1000].Text, "line 250001 [value") || kept[len(kept)-1].Text != "line 499999" {
		t.Errorf("kept: %q, %q, %q", kept[999].Text, kept[1000].Text, kept[len(kept)-1].Text)
	}
	var wide log
	for range 100_000 {
		wide.add(evidence.LogLine{Text: strings.Repeat("w", 10<<10)})
	}
	kept, omitted = wide.lines()
	if size := len(kept) * 10 << 10; size > 2*keptBytes || size < keptBytes || omitted+len(kept) != 100_000 {
		t.Errorf("%d bytes are kept, %d lines are not", size, omitted)
	}
}

// What the kubelet has rotated away was followed, and what came last stands in the file alone.
func TestMergeLogs(t *testing.T) {
	line := func(second int, stream, text string) evidence.LogLine {
		return evidence.LogLine{At: noon.Add(time.Duration(second) * time.Second), Stream: stream, Text: text}
	}
	followed := evidence.ContainerLog{Container: "api", Lines: []evidence.LogLine{line(1, "", "a"), line(2, "", "b"), line(3, "", "c")}, Unread: "broken off"}
	for _, c := range []struct {
		name     string
		followed evidence.ContainerLog
		file     []evidence.LogLine
		want     string
		unread   bool
	}{
		{"the file is whole", followed, []evidence.LogLine{line(1, "stdout", "a"), line(2, "stdout", "b"), line(3, "stderr", "c"), line(4, "stdout", "d")}, "stdout:a stdout:b stderr:c stdout:d", false},
		{"its beginning is gone", followed, []evidence.LogLine{line(3, "stdout", "c"), line(4, "stdout", "d")}, ":a :b stdout:c stdout:d", true},
		{"nothing was followed", evidence.ContainerLog{}, []evidence.LogLine{line(1, "stdout", "a")}, "stdout:a", false},
		{"there is no file", followed, nil, ":a :b :c", true},
	} {
		got := MergeLogs(c.followed, evidence.ContainerLog{Lines: c.file})
		var words []string
		for _, l := range got.Lines {
			words = append(words, l.Stream+":"+l.Text)
		}
		if s := strings.Join(words, " "); s != c.want || got.Omitted != 0 || (got.Unread != "") != c.unread {
			t.Errorf("%s: %s, %d omitted, unread %q; want %s", c.name, s, got.Omitted, got.Unread, c.want)
		}
	}
	got := MergeLogs(evidence.ContainerLog{Lines: followed.Lines, Omitted: 5000}, evidence.ContainerLog{Lines: []evidence.LogLine{line(9, "stdout", "z")}, Omitted: 40})
	if len(got.Lines) != 4 || got.Omitted != 5003-4 {
		t.Errorf("%d lines, %d omitted", len(got.Lines), got.Omitted)
	}
}

func stamped(line string) evidence.LogLine {
	at, text := cutStamp([]byte(line))
	return evidence.LogLine{At: at, Text: string(text)}
}

func TestParseTimestamped(t *testing.T) {
	for text, want := range map[string]evidence.LogLine{
		noonText + " Started server":       {At: noon, Text: "Started server"},
		noonText + " ":                     {At: noon},
		noonText + "  indented":            {At: noon, Text: " indented"},
		"Started server":                   {Text: "Started server"},
		"unable to retrieve container log": {Text: "unable to retrieve container log"},
		noonText:                           {Text: noonText},
		"":                                 {},
	} {
		if diff := cmp.Diff(want, stamped(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

package workload

import (
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
			if diff := cmp.Diff(c.want, ParseCRI(c.file)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
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
		if diff := cmp.Diff(want, parseTimestamped(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

package report

import (
	"fmt"
	"time"
)

// Answered tells that a run was not made: an earlier one, that of the report, answers it.
type Answered struct {
	// Record is the file of its record.
	Record string `json:"record"`
	// Seconds is how long ago the run began.
	Seconds float64 `json:"secondsAgo"`
}

// AnsweredBy is the report of a run that answers another one, by its record in a file.
func (r Report) AnsweredBy(record string, now time.Time) Report {
	r.Answered = &Answered{record, max(0, now.Sub(r.Run.Started).Seconds())}
	if r.Evidence == "" {
		r.Evidence = record
	}
	return r
}

// answeredText says so in a sentence; it is empty where the run was made.
func (r Report) answeredText() string {
	if r.Answered == nil {
		return ""
	}
	return fmt.Sprintf("answered from the run of %s, %s; --fresh runs all the same", Ago(r.Answered.Seconds), r.Answered.Record)
}

// Ago says how long ago something was, as a person does.
func Ago(seconds float64) string {
	ago := time.Duration(seconds * float64(time.Second))
	for _, u := range []struct {
		name string
		is   time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		switch n := int(ago / u.is); {
		case n == 1:
			return "1 " + u.name + " ago"
		case n > 1:
			return fmt.Sprintf("%d %ss ago", n, u.name)
		}
	}
	return "a moment ago"
}

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"podproof.dev/podproof/internal/check"
)

// SeveralVersion names the layout of the JSON document of several contracts.
const SeveralVersion = "podproof/reports/v1alpha1"

// Several are the contracts that one run has verified, in the order in which they were given.
type Several []One

// One is what became of one of them: a report, or the reason why there is none.
type One struct {
	Name   string  `json:"name"`
	Report *Report `json:"report,omitempty"`
	Error  string  `json:"error,omitempty"`
	// Wrong tells that its input is wrong.
	Wrong bool `json:"wrong,omitempty"`
	// Seconds are those of its own run, of which others ran at the same time.
	Seconds float64 `json:"seconds"`
}

// Among is the report of one of several contracts, which it names.
func (r Report) Among(name string) Report {
	r.among = name
	return r
}

// ExitCode is that of one contract: 2 where its input is wrong, and else its report's.
func (o One) ExitCode() int {
	switch {
	case o.Wrong:
		return 2
	case o.Report == nil:
		return 3
	}
	return o.Report.ExitCode()
}

// ExitCode is the worst of all of them: 2 before 1 before 3 before 0.
func (s Several) ExitCode() int {
	for _, code := range []int{2, 1, 3} {
		if slices.ContainsFunc(s, func(o One) bool { return o.ExitCode() == code }) {
			return code
		}
	}
	return 0
}

// result is one contract's in a word.
func (o One) result() string {
	switch o.ExitCode() {
	case 0:
		return "pass"
	case 1:
		return "FAIL"
	case 2:
		return "wrong input"
	}
	return "inconclusive"
}

// seen names what is broken, or else what is not decided, or why nothing was.
func (o One) seen() string {
	if o.Report == nil {
		return short(Clean(o.Error))
	}
	if broken := o.Report.with(check.Fail); len(broken) > 0 {
		return ids(broken)
	}
	if o.Report.Incomplete != "" {
		return "stopped by " + o.Report.Incomplete
	}
	if open := o.Report.with(check.Inconclusive); len(open) > 0 {
		return promises(len(open), "", "") + " could not be checked"
	}
	if a := o.Report.Answered; a != nil {
		return "answered from the run of " + Ago(a.Seconds)
	}
	return ""
}

// Table tells all contracts, one in a line, and the result of all of them last.
func (s Several) Table(w io.Writer, c Console) error {
	var rows strings.Builder
	t := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CONTRACT\tRESULT\tSECONDS\tWHAT")
	for _, o := range s {
		fmt.Fprintf(t, "%s\t%s\t%.1f\t%s\n", Clean(o.Name), o.result(), o.Seconds, o.seen())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	color := map[int]paint{0: green, 1: red, 2: red, 3: yellow}
	var out strings.Builder
	i := -1
	for line := range strings.Lines(rows.String()) {
		p := bold
		if i >= 0 {
			p = color[s[i].ExitCode()]
		}
		out.WriteString(c.prefix() + c.paint(p, strings.TrimRight(line, " \n")) + "\n")
		i++
	}
	out.WriteString(c.prefix() + c.paint(color[s.ExitCode()], s.lastLine()) + "\n")
	_, err := io.WriteString(w, out.String())
	return err
}

// lastLine counts them.
func (s Several) lastLine() string {
	var parts []string
	for _, x := range []struct {
		code int
		what string
	}{{0, "passed"}, {1, "failed"}, {3, "inconclusive"}, {2, "with wrong input"}} {
		n := 0
		for _, o := range s {
			if o.ExitCode() == x.code {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, x.what))
		}
	}
	return fmt.Sprintf("%d contracts: %s.", len(s), strings.Join(parts, ", "))
}

// reports are those that there are.
func (s Several) reports() (out []Report) {
	for _, o := range s {
		if o.Report != nil {
			out = append(out, *o.Report)
		}
	}
	return out
}

// untold are the contracts without a report.
func (s Several) untold() Several {
	return slices.DeleteFunc(slices.Clone(s), func(o One) bool { return o.Report != nil })
}

// inTurn renders one report after the other, for formats whose documents may follow each other.
func inTurn(render func(io.Writer, Report, Console) error) func(io.Writer, Several, Console) error {
	return func(w io.Writer, s Several, c Console) error {
		for _, r := range s.reports() {
			if err := render(w, r, c); err != nil {
				return err
			}
		}
		return nil
	}
}

func severalTerminal(w io.Writer, s Several, c Console) error {
	return errors.Join(inTurn(WriteTerminal)(w, s, c), s.Table(w, c))
}

// severalJSON holds each report as it would be by itself.
func severalJSON(w io.Writer, s Several, _ Console) error {
	result := map[int]string{0: string(check.Pass), 1: string(check.Fail), 2: "wrong", 3: string(check.Inconclusive)}[s.ExitCode()]
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		SchemaVersion string  `json:"schemaVersion"`
		Result        string  `json:"result"`
		Contracts     Several `json:"contracts"`
	}{SeveralVersion, result, s})
}

// severalJUnit has the suites of all, and one with an error for a contract that has none.
func severalJUnit(w io.Writer, s Several, _ Console) error {
	var doc junitSuites
	for _, r := range s.reports() {
		for _, suite := range r.junitSuites() {
			suite.ID = len(doc.Suites)
			doc.Suites = append(doc.Suites, suite)
		}
	}
	for _, o := range s.untold() {
		doc.Suites = append(doc.Suites, junitSuite{ID: len(doc.Suites), Package: "podproof", Name: o.Name, Hostname: "localhost", Timestamp: "1970-01-01T00:00:00", Tests: 1, Errors: 1, Time: decimal(o.Seconds),
			Cases: []junitCase{{Name: "verify", Class: "podproof." + dotless(o.Name), Time: decimal(o.Seconds), Error: &junitTrouble{o.seen(), o.result(), o.Error}}}})
	}
	return doc.write(w)
}

// severalSARIF has a run for each contract; GitHub tells them apart by their categories.
func severalSARIF(w io.Writer, s Several, _ Console) error {
	log := sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{}}
	for _, o := range s {
		if o.Report != nil {
			log.Runs = append(log.Runs, o.Report.sarifRun())
			continue
		}
		run := sarifRun{Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"}
		run.Tool.Driver = sarifDriver{Name: "podproof", Rules: []sarifRule{}}
		run.AutomationDetails.ID = "podproof/" + o.Name + "/"
		var said sarifInvocation
		said.tell(o.Error)
		run.Invocations = []sarifInvocation{said}
		log.Runs = append(log.Runs, run)
	}
	return log.write(w)
}

// severalMarkdown is a table, and what there is to know of those that do not simply pass, in a comment's
// room: one for which there is none is named.
func severalMarkdown(w io.Writer, s Several, _ Console) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### podproof: %s\n\n| contract | result | seconds | what |\n|---|---|---:|---|\n", mdText(s.lastLine()))
	for _, o := range s {
		fmt.Fprintf(&b, "| %s | %s | %.1f | %s |\n", mdText(o.Name), o.result(), o.Seconds, mdText(short(o.seen())))
	}
	for _, r := range s.reports() {
		if r.Result == check.Pass && len(r.waivedTexts())+len(r.IdleWaivers) == 0 {
			continue
		}
		text := markdown(r, commentSize-b.Len())
		if b.Len()+len(text)+mdField > commentSize {
			fmt.Fprintf(&b, "\n%s is left out here, for lack of room; its report has it.\n", mdText(r.among))
			continue
		}
		b.WriteString("\n")
		b.Write(text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func severalGitLab(w io.Writer, s Several, _ Console) error {
	all := []gitlabIssue{}
	for _, r := range s.reports() {
		all = append(all, r.gitlabIssues()...)
	}
	return writeGitLab(w, all)
}

// slot is where the name of a contract goes in the name of a file.
const slot = "{}"

// ForSeveral sorts the outputs of several contracts: each are written for one contract after the other,
// all at the end as one document. A format that holds one contract needs a file for each.
func (outs Outputs) ForSeveral() (each, all Outputs, err error) {
	for _, o := range outs {
		switch {
		case strings.Contains(o.File, slot), o.File == "" && (o.Format.Live || o.Format.Beside):
			each = append(each, o)
		case o.Format.Several == nil:
			ext := filepath.Ext(o.Format.File)
			return nil, nil, fmt.Errorf("%s: such a document holds one contract; write -o %s=%s%s, where %s is the contract's name", o, o.Format.Name, slot, ext, slot)
		default:
			all = append(all, o)
		}
	}
	return each, all, nil
}

// Of are the outputs for one contract.
func (outs Outputs) Of(name string) (out Outputs) {
	for _, o := range outs {
		o.File = FileOf(o.File, name)
		out = append(out, o)
	}
	return out
}

// FileOf is the name of a file for one contract.
func FileOf(file, name string) string { return strings.ReplaceAll(file, slot, name) }

// HasSlot tells whether a file's name has a place for that of a contract.
func HasSlot(file string) bool { return strings.Contains(file, slot) }

// WriteSeveral renders all contracts as one document, everywhere it was asked for.
func (outs Outputs) WriteSeveral(s Several, stdout io.Writer, c Console) error {
	return outs.write(stdout, c, func(f Format, w io.Writer, c Console) error { return f.Several(w, s, c) })
}

package report

import (
	"fmt"
	"io"
	"strings"

	"podproof.dev/podproof/internal/contract"
)

// Format is a way to render a report.
type Format struct {
	Name string // as -o asks for it
	File string // what its file is called in examples and completions
	// Live may share a terminal with the progress; the others are for programs, and stay pure.
	Live bool
	// Beside may follow a live one on standard output, and is no report for a person.
	Beside bool
	// Open is set where only what is broken or undecided is told.
	Open bool
	// CI is the variable by which a CI says that it runs us, which has this format chosen where no
	// -o is given.
	CI     string
	Render func(io.Writer, Report, Console) error
	// Several renders several contracts as one document; nil where a document holds one.
	Several func(io.Writer, Several, Console) error
}

// formats is the one list of them: help, completion and errors are made from it. A new format
// is a row here, and the file that renders it. The first is what a run prints when all that was
// asked for goes to files.
var formats = []Format{
	{Name: "terminal", File: "report.txt", Live: true, Render: WriteTerminal, Several: severalTerminal},
	{Name: "json", File: "report.json", Render: WriteJSON, Several: severalJSON},
	{Name: "junit", File: "junit.xml", Render: WriteJUnit, Several: severalJUnit},
	{Name: "sarif", File: "podproof.sarif", Open: true, Render: WriteSARIF, Several: severalSARIF},
	{Name: "markdown", File: "podproof.md", Render: WriteMarkdown, Several: severalMarkdown},
	{Name: "html", File: "podproof.html", Render: WriteHTML},
	{Name: "github", File: "annotations.txt", Beside: true, Open: true, CI: "GITHUB_ACTIONS", Render: WriteGitHub, Several: inTurn(WriteGitHub)},
	{Name: "gitlab", File: "gl-code-quality-report.json", Open: true, CI: "GITLAB_CI", Render: WriteGitLab, Several: severalGitLab},
}

// FormatsUsage is the help text of -o.
func FormatsUsage() string {
	return "report as `FORMAT[=FILE]`: " + listed(formatNames(), "or") + "; may be repeated (default " + defaultsUsage() + ")"
}

// defaultsUsage says what is chosen where no -o is given.
func defaultsUsage() string {
	text := formats[0].Name
	for _, f := range formats {
		if f.CI != "" {
			text += ", with " + Output{f, f.ownFile()}.value() + " where " + f.CI + " is set"
		}
	}
	return text
}

// ownFile is where a format goes that a CI has chosen: beside the terminal, or else to its file.
func (f Format) ownFile() string {
	if f.Beside {
		return ""
	}
	return f.File
}

// FormatsCompletion are the values of -o to offer: each format, and each one but the first with a file.
func FormatsCompletion() []string {
	values := formatNames()
	for _, f := range formats[1:] {
		values = append(values, f.Name+"="+f.File)
	}
	return values
}

// formatOf finds a format by its name.
func formatOf(name string) (Format, error) {
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
	}
	then := "; there"
	if near := contract.Nearest(name, formatNames()); near != "" {
		then = fmt.Sprintf("; did you mean %s? There", near)
	}
	return Format{}, fmt.Errorf("unknown format %q%s are %s, each with =FILE to write a file", name, then, listed(formatNames(), "and"))
}

func formatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.Name)
	}
	return names
}

// listed is "a, b or c".
func listed(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

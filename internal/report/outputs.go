package report

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Format is a way to render a report.
type Format string

// The formats.
const (
	Terminal Format = "terminal"
	JSON     Format = "json"
	JUnit    Format = "junit"
)

// Formats lists them, for help and completion.
func Formats() []Format { return []Format{Terminal, JSON, JUnit} }

// Output is one rendering and where it goes.
type Output struct {
	Format Format
	File   string // empty: standard output
}

// String prints it as the flag that asks for it.
func (o Output) String() string {
	if o.File == "" {
		return "-o " + string(o.Format)
	}
	return "-o " + string(o.Format) + "=" + o.File
}

// Outputs are the renderings of one run. At most one goes to standard output.
type Outputs []Output

// ParseOutputs reads the values of -o: FORMAT or FORMAT=FILE, where the file "-" is standard
// output. When everything goes to files, the terminal report goes to standard output: a run
// that says nothing helps nobody.
func ParseOutputs(values []string) (Outputs, error) {
	var outs Outputs
	for _, v := range values {
		name, file, hasFile := strings.Cut(v, "=")
		o := Output{Format(name), file}
		if !slices.Contains(Formats(), o.Format) {
			return nil, fmt.Errorf("-o %s: there is no format %q; write terminal, json or junit, with =FILE to write a file", v, name)
		}
		if hasFile && file == "" {
			return nil, fmt.Errorf("-o %s: the file has no name; write -o %s=FILE", v, name)
		}
		if file == "-" {
			o.File = ""
		}
		for _, other := range outs {
			switch {
			case o.File == "" && other.File == "":
				return nil, fmt.Errorf("%s and %s would both write to standard output; give one a file, such as -o %s=%s", other, o, o.Format, exampleFile(o.Format))
			case o.File != "" && other.File != "" && filepath.Clean(o.File) == filepath.Clean(other.File):
				return nil, fmt.Errorf("%s and %s would write the same file; name two", other, o)
			}
		}
		outs = append(outs, o)
	}
	if !slices.ContainsFunc(outs, func(o Output) bool { return o.File == "" }) {
		outs = append(outs, Output{Format: Terminal})
	}
	return outs, nil
}

func exampleFile(f Format) string {
	return map[Format]string{Terminal: "report.txt", JSON: "report.json", JUnit: "junit.xml"}[f]
}

// Check tries whether every file can be written, before a long run.
func (outs Outputs) Check() error {
	var errs []error
	for _, o := range outs {
		if o.File != "" {
			if err := CheckWritable(o.File); err != nil {
				errs = append(errs, fmt.Errorf("-o %s: %w", o.Format, err))
			}
		}
	}
	return errors.Join(errs...)
}

// ProgressTo says which stream shows the progress: the one that the terminal report goes to,
// or stderr, so that JSON and XML on standard output stay pure.
func (outs Outputs) ProgressTo(stdout, stderr *os.File) *os.File {
	if slices.Contains(outs, Output{Format: Terminal}) {
		return stdout
	}
	return stderr
}

// Write renders the report everywhere it was asked for. One that fails does not keep the
// others from being written.
func (outs Outputs) Write(r Report, stdout io.Writer, c Console) error {
	var errs []error
	for _, o := range outs {
		if o.File == "" {
			if err := o.render(stdout, r, c); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", o, err))
			}
			continue
		}
		err := writeAtomically(o.File, func(w io.Writer) error {
			return o.render(w, r, Console{Name: c.Name, Verbose: c.Verbose})
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("-o %s: %w", o.Format, err))
		}
	}
	return errors.Join(errs...)
}

func (o Output) render(w io.Writer, r Report, c Console) error {
	switch o.Format {
	case JSON:
		return WriteJSON(w, r)
	case JUnit:
		return WriteJUnit(w, r)
	}
	return WriteTerminal(w, r, c)
}

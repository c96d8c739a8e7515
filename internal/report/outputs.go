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

// Output is one rendering and where it goes.
type Output struct {
	Format Format
	File   string // empty: standard output
}

// String prints it as the flag that asks for it.
func (o Output) String() string {
	return "-o " + o.value()
}

func (o Output) value() string {
	if o.File == "" {
		return o.Format.Name
	}
	return o.Format.Name + "=" + o.File
}

// Outputs are the renderings of one run. At most one goes to standard output.
type Outputs []Output

// ParseOutputs reads the values of -o: FORMAT or FORMAT=FILE, where the file "-" is standard
// output. When everything goes to files, the first format goes to standard output: a run that
// says nothing helps nobody. Without any value, the CI that runs us has its own format beside that.
func ParseOutputs(values []string) (Outputs, error) {
	if len(values) == 0 {
		return ofCI(), nil
	}
	var outs Outputs
	for _, v := range values {
		name, file, hasFile := strings.Cut(v, "=")
		f, err := formatOf(name)
		if err != nil {
			return nil, fmt.Errorf("-o %s: %w", v, err)
		}
		o := Output{f, file}
		if hasFile && file == "" {
			return nil, fmt.Errorf("-o %s: the file has no name; write -o %s=FILE", v, name)
		}
		if file == "-" {
			o.File = ""
		}
		for _, other := range outs {
			switch {
			case o.File == "" && other.File == "" && !together(o.Format, other.Format):
				return nil, fmt.Errorf("%s and %s would both write to standard output; give one a file, such as -o %s=%s", other, o, f.Name, f.File)
			case o.File != "" && other.File != "" && filepath.Clean(o.File) == filepath.Clean(other.File):
				return nil, fmt.Errorf("%s and %s would write the same file; name two", other, o)
			}
		}
		outs = append(outs, o)
	}
	if !slices.ContainsFunc(outs, func(o Output) bool { return o.File == "" && !o.Format.Beside }) {
		outs = append(Outputs{{Format: formats[0]}}, outs...)
	}
	return outs, nil
}

// together tells that two formats may share standard output: a live one, and one that goes beside it.
func together(a, b Format) bool { return a.Live && b.Beside || a.Beside && b.Live }

// ofCI are the outputs where none was asked for. A file that cannot be written is none: nobody asked
// for it.
func ofCI() Outputs {
	outs := Outputs{{Format: formats[0]}}
	for _, f := range formats {
		o := Output{f, f.ownFile()}
		if f.CI != "" && os.Getenv(f.CI) != "" && (o.File == "" || CheckWritable(o.File) == nil) {
			outs = append(outs, o)
		}
	}
	return outs
}

// Check tries whether every file can be written, before a long run.
func (outs Outputs) Check() error {
	var errs []error
	for _, o := range outs {
		if o.File != "" {
			if err := CheckWritable(o.File); err != nil {
				errs = append(errs, fmt.Errorf("-o %s: %w", o.Format.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// ProgressTo says which stream shows the progress: standard output where a live format goes
// there, else stderr, so that JSON and XML on standard output stay pure.
func (outs Outputs) ProgressTo(stdout, stderr *os.File) *os.File {
	if slices.ContainsFunc(outs, func(o Output) bool { return o.File == "" && o.Format.Live }) {
		return stdout
	}
	return stderr
}

// Beside are those that are still to be written where the report was shown already, as somebody else's
// log: all but a live format on standard output.
func (outs Outputs) Beside() Outputs {
	return slices.DeleteFunc(slices.Clone(outs), func(o Output) bool { return o.File == "" && o.Format.Live })
}

// Write renders the report everywhere it was asked for. One that fails does not keep the
// others from being written.
func (outs Outputs) Write(r Report, stdout io.Writer, c Console) error {
	return outs.write(stdout, c, func(f Format, w io.Writer, c Console) error { return f.Render(w, r, c) })
}

func (outs Outputs) write(stdout io.Writer, c Console, render func(Format, io.Writer, Console) error) error {
	var errs []error
	for _, o := range outs {
		if o.File == "" {
			if err := render(o.Format, stdout, c); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", o, err))
			}
			continue
		}
		err := writeAtomically(o.File, readable, func(w io.Writer) error {
			return render(o.Format, w, Console{Name: c.Name, Verbose: c.Verbose})
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("-o %s: %w", o.Format.Name, err))
		}
	}
	return errors.Join(errs...)
}

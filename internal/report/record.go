package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// RecordVersion names the layout of a Record.
const RecordVersion = "podproof/record/v1alpha1"

// Record is all that judging needs: what was promised, which checks were asked for, and what
// was observed. It is what `podproof verify --evidence` writes and `podproof judge` reads.
type Record struct {
	SchemaVersion string            `json:"schemaVersion"`
	Contract      contract.Contract `json:"contract"`
	// Selected are the IDs of the checks that the run was asked for.
	Selected []string          `json:"selected"`
	Evidence evidence.Evidence `json:"evidence"`
	// Home is where the run's files lie; nil in the record of a podproof that did not tell.
	Home *Home `json:"home,omitempty"`
	// Key is what the run stood on, where the record is kept to answer another run; else nil.
	Key *Key `json:"key,omitempty"`
}

// Key tells whether two runs stood on the same, and tried the same. Its digests are keyed with a secret of
// the machine: of what they are made nobody can guess.
type Key struct {
	// Sum is of all parts, Near of all but the image.
	Sum  string `json:"sum"`
	Near string `json:"near"`
	// Parts are digests of what a run stands on, by what it is called.
	Parts map[string]string `json:"parts"`
}

// NewRecord puts a run's parts together.
func NewRecord(c contract.Contract, selected []string, e evidence.Evidence) Record {
	home := HomeOf(c)
	home.root = "" // of this machine
	return Record{SchemaVersion: RecordVersion, Contract: c, Selected: selected, Evidence: e, Home: &home}
}

// WriteFile writes the record, all of it or nothing.
func (r Record) WriteFile(path string) error { return r.write(path, readable) }

// WritePrivately does the same for a file that only its owner reads.
func (r Record) WritePrivately(path string) error { return r.write(path, 0o600) }

func (r Record) write(path string, mode fs.FileMode) error {
	return writeAtomically(path, mode, r.Encode)
}

// Encode writes the record as JSON.
func (r Record) Encode(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", " ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

// ReadFile reads what WriteFile wrote. Its errors name the file, and the place in it.
func ReadFile(path string) (Record, error) {
	data, err := ReadText(path)
	if err != nil {
		return Record{}, err
	}
	return ReadRecord(path, data)
}

// ReadText reads the text of a record, for ReadRecord.
func ReadText(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %s; `podproof verify --evidence %s` makes it", path, path)
	}
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a folder; name the file that `podproof verify --evidence FILE` wrote", path)
	}
	if err != nil {
		return nil, fmt.Errorf("the evidence cannot be read: %w", err)
	}
	return data, nil
}

// ReadRecord reads what Encode wrote. Its errors have the name that is given, and the place in it.
func ReadRecord(path string, data []byte) (Record, error) {
	var version struct {
		SchemaVersion string `json:"schemaVersion"`
	}
	if err := json.Unmarshal(data, &version); err != nil {
		return Record{}, fmt.Errorf("%s: %s", path, misread(data, err))
	}
	switch version.SchemaVersion {
	case RecordVersion:
	case SchemaVersion:
		return Record{}, fmt.Errorf("%s is a report, which holds verdicts alone; judging needs the evidence, which `podproof verify --evidence FILE` writes", path)
	case "":
		return Record{}, fmt.Errorf("%s is not evidence of podproof: it has no schemaVersion; `podproof verify --evidence FILE` makes such a file", path)
	default:
		return Record{}, fmt.Errorf("%s has the schemaVersion %q, but this podproof reads %q; judge it with the podproof that wrote it", path, version.SchemaVersion, RecordVersion)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		return Record{}, fmt.Errorf("%s: %s", path, misread(data, err))
	}
	if v := r.Evidence.SchemaVersion; !evidence.Readable(v) {
		return Record{}, fmt.Errorf("%s holds evidence of the schemaVersion %q, but this podproof reads %q; judge it with the podproof that wrote it", path, v, evidence.SchemaVersion)
	}
	return r, nil
}

// misread says in a person's words why JSON was not understood, and where.
func misread(data []byte, err error) string {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return "the file is empty; it was not written completely, or is not evidence of podproof"
	case errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input":
		return fmt.Sprintf("the file ends in the middle, %s; the copy is not complete", place(data, int64(len(data))))
	case errors.As(err, &syntax):
		return fmt.Sprintf("this is not JSON, %s: %v", place(data, syntax.Offset), syntax)
	case errors.As(err, &typed):
		return fmt.Sprintf("%s has a value that podproof does not write there (%s), %s; the file was changed", typed.Field, typed.Value, place(data, typed.Offset))
	}
	return fmt.Sprintf("a value is not as podproof writes it: %v; the file was changed", err)
}

// place counts lines and bytes from 1. Offset is the number of bytes that were read.
func place(data []byte, offset int64) string {
	offset = min(offset, int64(len(data)))
	return fmt.Sprintf("at line %d (byte %d)", 1+bytes.Count(data[:max(0, offset-1)], []byte("\n")), offset)
}

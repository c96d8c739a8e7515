package report

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// WriteWaivers writes a waiver of each finding that breaks a promise and that none accepts yet, and
// returns how many there are; without any it writes nothing. What could not be decided gets none:
// such a waiver would accept the broken promise, too, that nobody has seen.
func (r Report) WriteWaivers(file, by, until string) (int, error) {
	var list yaml.Node
	list.Kind = yaml.SequenceNode
	for _, v := range r.with(check.Fail) {
		for _, w := range v.newWaivers() {
			w.By, w.Until, w.Reason = by, until, "found on "+r.Run.Started.UTC().Format(time.DateOnly)+", to be fixed: "+Clean(w.Reason)
			var n yaml.Node
			if err := n.Encode(w); err != nil {
				return 0, err
			}
			list.Content = append(list.Content, &n)
		}
	}
	if len(list.Content) == 0 {
		return 0, nil
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "# What was broken in %s on %s, accepted until %s.\n", Clean(r.Subject.Image), r.Run.Started.UTC().Format(time.DateOnly), until)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(map[string]*yaml.Node{"waivers": &list}); err != nil {
		return 0, err
	}
	return len(list.Content), writeAtomically(file, readable, func(w io.Writer) error {
		_, err := w.Write(out.Bytes())
		return err
	})
}

// newWaivers say in Reason what was seen.
func (v Verdict) newWaivers() []contract.Waiver {
	var out []contract.Waiver
	for _, f := range v.Findings {
		if v.byPlace && f.Fingerprint != "" && f.Waiver == nil {
			out = append(out, contract.Waiver{ID: v.ID, Where: f.Fingerprint, Reason: findingText(f)})
		}
	}
	if len(out) == 0 {
		out = append(out, contract.Waiver{ID: v.ID, Reason: v.Seen})
	}
	return out
}

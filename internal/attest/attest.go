package attest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

// What of a record is stored beside the image.
const (
	RecordFull     = "full"     // all that was observed, so that a gate can judge it again
	RecordVerdicts = "verdicts" // the report
	RecordNone     = "none"
)

// Options say what to attest.
type Options struct {
	// File is the name of the record, and Record its text.
	File   string
	Record []byte
	// Image is where it was pushed.
	Image  string
	Signer Signer
	// Keep is RecordFull, RecordVerdicts or RecordNone. Empty is full, but where a value of a Secret may
	// stand in what was observed: then it is verdicts.
	Keep string
	// Index has an index covered that holds more than what was tried.
	Index bool
	// LegacyTag has the statement written under cosign's older tag, too.
	LegacyTag bool
	// AnyResult has a result signed that is not pass.
	AnyResult bool
	// PredicateOnly stores no statement: another program signs the predicate that comes back.
	PredicateOnly bool
	Version       string
}

// Attested is what was stored.
type Attested struct {
	// Image is the manifest that was verified, by its digest, and Index the index that leads to it where that is covered.
	Image, Index string
	// Open are the platforms of the index that were not tried, where that is not covered.
	Open      []string
	Predicate Verification
	// Statement is the digest of the bundle; empty where none was stored.
	Statement string
	// Kept is what of the record was stored, as in Options.
	Kept string
}

// Refusal is why a record is not signed. Result is what it came to; empty where the image is another one.
type Refusal struct {
	Result check.Status
	Text   string
}

// Error is the reason.
func (r *Refusal) Error() string { return r.Text }

// Attest judges a record, makes sure that the image in the registry is the one that was verified, and
// stores the signed statement beside it. Its error is an *InputError, a *Refusal, or the registry's.
func Attest(ctx context.Context, o Options) (Attested, error) {
	rec, err := report.ReadRecord(o.File, o.Record)
	if err != nil {
		return Attested{}, &InputError{err}
	}
	judged, err := judge(rec)
	if err != nil {
		return Attested{}, &InputError{fmt.Errorf("%s: %w", o.File, err)}
	}
	p := NewVerification(rec, judged)
	if p.Result != check.Pass && !o.AnyResult {
		return Attested{Predicate: p}, &Refusal{p.Result, notPassed(o.File, judged)}
	}
	if rec.Evidence.Image == nil || p.Image.Config == "" {
		return Attested{}, inputf("%s does not say which image was verified: the image was not read in that run; verify it again", o.File)
	}
	if err := p.consistent(); err != nil {
		return Attested{}, inputf("%s cannot be attested: %w", o.File, err)
	}
	r, err := openRegistry(ctx, o.Image, o.Version)
	if err != nil {
		return Attested{}, err
	}
	img, err := r.image()
	if err != nil {
		return Attested{}, err
	}
	i := slices.IndexFunc(img.all, func(v variant) bool { return v.config.String() == p.Image.Config })
	if i < 0 {
		return Attested{}, &Refusal{Text: r.another(img, rec)}
	}
	s := storing{Options: o, registry: r, to: []v1.Descriptor{img.all[i].Descriptor}, out: Attested{Image: r.digest(img.all[i].Digest).Name(), Predicate: p}}
	s.cover(img, img.all[i])
	s.out.Kept = o.keeps(judged)
	err = s.store(judged)
	return s.out, err
}

// judge reaches a record's verdicts, as `podproof judge` does.
func judge(rec report.Record) (report.Report, error) {
	selected, err := check.Select(rec.Selected, nil)
	if err != nil {
		return report.Report{}, err
	}
	return report.New(rec.Contract, rec.Evidence, check.Judge(selected, rec.Contract, rec.Evidence)).At(rec.Home), nil
}

func notPassed(file string, r report.Report) string {
	var broken []string
	for _, v := range r.Verdicts {
		if v.Verdict == check.Fail || v.Verdict == check.Inconclusive {
			broken = append(broken, v.ID+" ("+string(v.Verdict)+")")
		}
	}
	what := "none of its promises was looked at"
	if len(broken) > 0 {
		what = strings.Join(broken, ", ")
	}
	return fmt.Sprintf("the result of %s is %s, and is not signed: %s; `podproof judge %s` says why. (--any-result signs it all the same: then whoever asks for no more than this key's signature lets the image pass)", file, r.Result, what, file)
}

// secretsKept is the check without which nobody knows whether the logs in a record hold a Secret's value.
const secretsKept = "config/secrets-stay-secret"

// keeps is what of a record is stored.
func (o Options) keeps(r report.Report) string {
	switch {
	case o.Keep != "":
		return o.Keep
	case o.PredicateOnly:
		return RecordNone
	}
	for _, v := range r.Verdicts {
		if v.ID == secretsKept && v.Verdict != check.Pass && v.Verdict != check.Skipped {
			return RecordVerdicts
		}
	}
	return RecordFull
}

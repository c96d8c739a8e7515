package attest

import (
	"encoding/json"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"podproof.dev/podproof/internal/report"
)

// storing is an Attest whose image is the right one.
type storing struct {
	Options
	*registry
	// to are the manifest, and the index where that is covered.
	to  []v1.Descriptor
	out Attested
}

// cover decides whether the index is covered: where nothing else is in it, or where that was asked for.
func (s *storing) cover(img pushed, tried variant) {
	if !img.isIndex() {
		return
	}
	for _, v := range img.all {
		if v.Digest != tried.Digest {
			s.out.Open = append(s.out.Open, v.platform)
		}
	}
	if len(s.out.Open) == 0 || s.Index {
		s.to = append(s.to, img.top)
		s.out.Index = s.digest(img.top.Digest).Name()
	}
}

// signed is a statement that is signed and not stored yet.
type signed struct {
	Envelope
	bundle []byte
	kind   string // of its predicate
}

// store signs everything first: where somebody does not sign, nothing is stored.
func (s *storing) store(judged report.Report) error {
	blob, err := s.pack(judged)
	if err != nil {
		return err
	}
	var all []signed
	if !s.PredicateOnly {
		if all, err = s.sign(); err != nil {
			return err
		}
	}
	if r := s.out.Predicate.Record; r != nil {
		if _, err := s.attach(s.to[0], types.MediaType(r.MediaType), blob, s.annotations()); err != nil {
			return err
		}
	}
	for _, x := range all {
		if err := s.put(x); err != nil {
			return err
		}
	}
	return nil
}

// pack makes what is stored of the record, and names it in the predicate.
func (s *storing) pack(judged report.Report) ([]byte, error) {
	kind, data := RecordType, s.Record
	switch s.out.Kept {
	case RecordNone:
		return nil, nil
	case RecordVerdicts:
		kind = VerdictsType
		var err error
		if data, err = json.Marshal(judged); err != nil {
			return nil, err
		}
	}
	blob, err := compressed(data)
	if err != nil {
		return nil, err
	}
	s.out.Predicate.Record = &Stored{MediaType: kind, SHA256: sha256Of(blob).Hex, Size: int64(len(blob))}
	return blob, nil
}

// sign makes the two statements: podproof's own, and the summary, which names that.
func (s *storing) sign() ([]signed, error) {
	own, err := s.statement(VerificationType, s.out.Predicate)
	if err != nil {
		return nil, err
	}
	digest := sha256Of(own.bundle)
	s.out.Statement = digest.String()
	short, err := s.statement(SummaryType, newSummary(s.out.Predicate, s.out.Image, digest.Hex))
	return []signed{own, short}, err
}

// statement makes a statement of a predicate about all that is covered, and signs it.
func (s *storing) statement(kind string, predicate any) (signed, error) {
	var digests []v1.Hash
	for _, d := range s.to {
		digests = append(digests, d.Digest)
	}
	text, err := newStatement(about(s.repo().Name(), digests), kind, predicate)
	if err != nil {
		return signed{}, err
	}
	e, err := seal(s.ctx, text, s.Signer)
	if err != nil {
		return signed{}, err
	}
	b, err := newBundle(e, s.Signer)
	return signed{e, b, kind}, err
}

// put stores a statement beside all that it covers.
func (s *storing) put(x signed) error {
	notes := s.annotations()
	notes[contentKey], notes[predicateKey] = "dsse-envelope", x.kind
	for _, d := range s.to {
		if _, err := s.attach(d, BundleType, x.bundle, notes); err != nil {
			return err
		}
		if s.LegacyTag {
			if err := s.legacy(d.Digest, x.Envelope, x.kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// annotations have the run's own time, so that to attest a second time stores nothing new.
func (s *storing) annotations() map[string]string {
	return map[string]string{createdKey: s.out.Predicate.Finished.Format(time.RFC3339)}
}

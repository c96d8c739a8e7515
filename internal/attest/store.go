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

func (s *storing) store(judged report.Report) error {
	if err := s.storeRecord(judged); err != nil {
		return err
	}
	if s.PredicateOnly {
		return nil
	}
	own, err := s.sign(VerificationType, s.out.Predicate)
	if err != nil {
		return err
	}
	bundle := sha256Of(own)
	s.out.Statement = bundle.String()
	_, err = s.sign(SummaryType, newSummary(s.out.Predicate, s.out.Image, bundle.Hex))
	return err
}

// storeRecord stores what the predicate then names.
func (s *storing) storeRecord(judged report.Report) error {
	kind, data := RecordType, s.Record
	switch s.out.Kept {
	case RecordNone:
		return nil
	case RecordVerdicts:
		kind = VerdictsType
		var err error
		if data, err = json.Marshal(judged); err != nil {
			return err
		}
	}
	blob, err := compressed(data)
	if err != nil {
		return err
	}
	if _, err := s.attach(s.to[0], types.MediaType(kind), blob, s.annotations()); err != nil {
		return err
	}
	s.out.Predicate.Record = &Stored{MediaType: kind, SHA256: sha256Of(blob).Hex, Size: int64(len(blob))}
	return nil
}

// annotations have the run's own time, so that to attest a second time stores nothing new.
func (s *storing) annotations() map[string]string {
	return map[string]string{createdKey: s.out.Predicate.Finished.Format(time.RFC3339)}
}

// sign makes a statement of a predicate, signs it, and stores it beside all that it covers.
func (s *storing) sign(predicateType string, predicate any) ([]byte, error) {
	var digests []v1.Hash
	for _, d := range s.to {
		digests = append(digests, d.Digest)
	}
	statement, err := newStatement(about(s.repo().Name(), digests), predicateType, predicate)
	if err != nil {
		return nil, err
	}
	e, err := seal(s.ctx, statement, s.Signer)
	if err != nil {
		return nil, err
	}
	bundle, err := newBundle(e, s.Signer)
	if err != nil {
		return nil, err
	}
	notes := s.annotations()
	notes[contentKey], notes[predicateKey] = "dsse-envelope", predicateType
	for _, d := range s.to {
		if _, err := s.attach(d, BundleType, bundle, notes); err != nil {
			return nil, err
		}
		if s.LegacyTag {
			if err := s.legacy(d.Digest, e, predicateType); err != nil {
				return nil, err
			}
		}
	}
	return bundle, nil
}

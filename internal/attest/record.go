package attest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/report"
)

// The media types of what is stored beside an image, compressed.
const (
	RecordType   = "application/vnd.podproof.record.v1alpha1+gzip"
	VerdictsType = "application/vnd.podproof.report.v1alpha1+gzip"
)

const (
	maxStored = 16 << 20  // bytes of a record, compressed: a large one has 100 KB
	maxRecord = 128 << 20 // bytes of a record: 1 MB is usual
)

// compressed packs a record. The same record gives the same bytes.
func compressed(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if b.Len() > maxStored {
		return nil, inputf("the record has %d MiB when it is compressed, more than the %d that a gate reads; use --record verdicts", b.Len()>>20, maxStored>>20)
	}
	return b.Bytes(), nil
}

// badRecord is what is wrong with a stored record: no matter of the registry's reach.
type badRecord struct{ error }

// record reads the record that a statement names.
func (r *registry) record(s Stored) (report.Record, error) {
	where := "the record sha256:" + s.SHA256
	if s.Size > maxStored {
		return report.Record{}, badRecord{fmt.Errorf("%s has %d bytes, more than podproof reads", where, s.Size)}
	}
	data, err := r.blob(v1.Hash{Algorithm: "sha256", Hex: s.SHA256}, maxStored)
	switch {
	case absent(err):
		return report.Record{}, badRecord{fmt.Errorf("%s, which the statement names, is no longer in the registry", where)}
	case errors.Is(err, errOtherContent), errors.Is(err, errTooLarge):
		return report.Record{}, badRecord{fmt.Errorf("%s was tampered with: %w", where, err)}
	case err != nil:
		return report.Record{}, r.explain(fmt.Errorf("reading %s: %w", where, err))
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return report.Record{}, badRecord{fmt.Errorf("%s is not compressed with gzip: %w", where, err)}
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxRecord+1))
	switch {
	case err != nil:
		return report.Record{}, badRecord{fmt.Errorf("%s cannot be decompressed: %w", where, err)}
	case len(plain) > maxRecord:
		return report.Record{}, badRecord{fmt.Errorf("%s has more than %d MiB when it is decompressed", where, maxRecord>>20)}
	}
	rec, err := report.ReadRecord(where, plain)
	if err != nil {
		return rec, badRecord{err}
	}
	return rec, nil
}

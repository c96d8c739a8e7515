package agent

import (
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

const (
	// bodyKept is how much of an answer's body is kept: a debug page shows the settings far
	// below its top.
	bodyKept = 16 << 10
	// againKept is how much of a further error page of a stream is kept that says something
	// else, and mostAgain how many are.
	againKept = 1 << 10
	mostAgain = 16
	// Margin is how much more is sent than is to be kept, so that a secret which the end would
	// cut in two is known for one.
	Margin = 4 << 10
)

// pages keeps the first answer of each class of a stream's status, whole, and what other error
// pages say: what a workload says without its database, it may say only then.
type pages struct {
	classes map[int]bool
	seed    maphash.Seed
	seen    map[uint64]bool
}

// take reads an answer's body to its end.
func (p *pages) take(o *evidence.Request, single bool, header http.Header, in io.Reader) error {
	if p.classes == nil {
		*p = pages{map[int]bool{}, maphash.MakeSeed(), map[uint64]bool{}}
	}
	first := single || !p.classes[o.Status/100]
	p.classes[o.Status/100] = true
	keep := 0
	switch {
	case first:
		keep = bodyKept + Margin
	case o.Status >= http.StatusBadRequest && len(p.seen) < mostAgain:
		keep = againKept + Margin
	}
	var body strings.Builder
	n, err := io.CopyN(&body, in, int64(keep))
	if o.Bytes = n; err == nil {
		n, err = io.Copy(io.Discard, in)
		o.Bytes += n
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("after %d bytes of the answer's body: %w", o.Bytes, err)
	}
	said := maphash.String(p.seed, body.String()[:min(body.Len(), againKept+Margin)])
	if keep > 0 && (first || !p.seen[said]) {
		var fields strings.Builder
		_ = header.Write(&fields) // a strings.Builder takes everything
		o.Head, o.Body = fields.String(), body.String()
		p.seen[said] = true
	}
	return nil
}

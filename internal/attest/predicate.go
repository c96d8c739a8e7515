package attest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/report"
)

// Verification is podproof's own predicate: what a run came to.
type Verification struct {
	// Result is that of the whole run: pass, fail or inconclusive.
	Result check.Status `json:"result"`
	// Promises are the verdicts on all checks that the run's podproof knew, and Counts how many there are of each.
	Promises map[string]check.Status `json:"promises"`
	Counts   map[check.Status]int    `json:"counts"`
	// Selection are the IDs of the checks that the run was asked for: those of Promises that are
	// skipped and not in it were left out by --only or --skip.
	Selection []string `json:"selection"`
	// Skips are the checks that the contract leaves out, with its reasons.
	Skips []contract.Skip `json:"skips,omitempty"`
	// Waivers are those by which a promise, or a finding, was waived.
	Waivers []contract.Waiver `json:"waivers,omitempty"`
	// Image is what was tried, and Platforms those for which it was.
	Image     TriedImage `json:"image"`
	Platforms []string   `json:"platforms"`
	// Contract and Manifests are the digests of what the run was given; see evidence.Inputs.
	Contract  *Digest `json:"contract,omitempty"`
	Manifests *Digest `json:"manifests,omitempty"`
	// Record is what was observed, by which the verdicts can be reached again; nil where it was not stored.
	Record *Stored `json:"record,omitempty"`
	// Cluster is where the pods ran; nil where nothing was started.
	Cluster  *Cluster `json:"cluster,omitempty"`
	Podproof Podproof `json:"podproof"`
	// Incomplete is what stopped the run before its end.
	Incomplete string    `json:"incomplete,omitempty"`
	Started    time.Time `json:"started"`
	Finished   time.Time `json:"finished"`
}

// TriedImage names an image by its configuration, whose digest no registry and no push changes.
type TriedImage struct {
	Config string `json:"config"` // "sha256:…"
}

// Digest is a digest, as in-toto writes it.
type Digest struct {
	SHA256 string `json:"sha256"` // hexadecimal
}

// Stored is a blob beside the image.
type Stored struct {
	MediaType string `json:"mediaType"`
	SHA256    string `json:"sha256"` // hexadecimal, of the blob as it is stored
	Size      int64  `json:"size"`   // bytes
}

// Cluster is the Kubernetes in which the pods ran.
type Cluster struct {
	Provider   string `json:"provider"`
	Kubernetes string `json:"kubernetes,omitempty"`
}

// Podproof is the program that observed and judged.
type Podproof struct {
	Version string `json:"version"`
}

// NewVerification says what a record comes to, by the record's own contract.
func NewVerification(rec report.Record, r report.Report) Verification {
	e := rec.Evidence
	p := Verification{
		Result: r.Result, Promises: map[string]check.Status{}, Counts: map[check.Status]int{},
		Selection: rec.Selected, Skips: rec.Contract.Skip,
		Podproof: Podproof{e.Run.Version}, Incomplete: e.Run.CutOff, Started: e.Run.Started.UTC(), Finished: e.Run.Finished.UTC(),
	}
	for _, v := range r.Verdicts {
		p.Promises[v.ID] = v.Verdict
		p.Counts[v.Verdict]++
		for _, w := range waiversOf(v.Waiver, v.Findings) {
			if !slices.Contains(p.Waivers, w) {
				p.Waivers = append(p.Waivers, w)
			}
		}
	}
	if e.Image != nil {
		p.Image.Config = e.Image.ID
		p.Platforms = []string{cmp.Or(e.Image.OS, "linux") + "/" + e.Image.Architecture}
	}
	if e.Inputs != nil {
		p.Contract, p.Manifests = digestOf(e.Inputs.Contract), digestOf(e.Inputs.Manifests)
	}
	if e.Cluster != nil {
		p.Cluster = &Cluster{e.Cluster.Provider, e.Cluster.Kubernetes}
	}
	return p
}

func digestOf(s string) *Digest {
	hex, ok := strings.CutPrefix(s, "sha256:")
	if !ok {
		return nil
	}
	return &Digest{hex}
}

// readVerification reads a predicate, and holds it to itself: one that says pass and lists a broken
// promise is not podproof's, and proves nothing.
func readVerification(data []byte) (Verification, error) {
	var p Verification
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("the predicate is not podproof's: %w", err)
	}
	if err := p.consistent(); err != nil {
		return p, fmt.Errorf("the predicate contradicts itself: %w", err)
	}
	return p, nil
}

func (p Verification) consistent() error {
	counts := map[check.Status]int{}
	for id, s := range p.Promises {
		if !slices.Contains([]check.Status{check.Pass, check.Fail, check.Inconclusive, check.Waived, check.Skipped}, s) {
			return fmt.Errorf("the verdict on %q is %q, which is none", id, s)
		}
		counts[s]++
	}
	for s, n := range p.Counts {
		if counts[s] != n {
			return fmt.Errorf("it counts %d promises as %s, and lists %d", n, s, counts[s])
		}
	}
	switch p.Result {
	case check.Pass:
		if n := counts[check.Fail] + counts[check.Inconclusive]; n > 0 || p.Incomplete != "" {
			return fmt.Errorf("its result is pass, and %d promises are broken or undecided", n)
		}
		if counts[check.Pass]+counts[check.Waived] == 0 {
			return errors.New("its result is pass, and no promise was looked at")
		}
	case check.Fail, check.Inconclusive:
	default:
		return fmt.Errorf("its result is %q, which is none", p.Result)
	}
	for _, id := range p.Selection {
		if _, ok := p.Promises[id]; !ok {
			return fmt.Errorf("%q was selected, and there is no verdict on it", id)
		}
	}
	for id, s := range p.Promises {
		if s != check.Skipped && !slices.Contains(p.Selection, id) {
			return fmt.Errorf("%q was not selected, and there is a verdict on it", id)
		}
	}
	switch {
	case p.Finished.IsZero() || p.Started.IsZero() || p.Finished.Before(p.Started):
		return fmt.Errorf("the run began at %s and ended at %s", p.Started.Format(time.RFC3339), p.Finished.Format(time.RFC3339))
	case !isDigest(p.Image.Config):
		return fmt.Errorf("the image's configuration has the digest %q", p.Image.Config)
	case len(p.Platforms) == 0:
		return errors.New("it names no platform")
	case p.Record != nil && (!isDigest("sha256:"+p.Record.SHA256) || p.Record.Size < 0):
		return fmt.Errorf("the record has the digest %q and %d bytes", p.Record.SHA256, p.Record.Size)
	}
	return nil
}

func isDigest(s string) bool {
	h, err := v1.NewHash(s)
	return err == nil && h.Algorithm == "sha256"
}

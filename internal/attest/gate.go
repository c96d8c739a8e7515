package attest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/report"
)

// GateOptions say which image is asked about, and what is asked of its proof.
type GateOptions struct {
	Image  string
	Keys   []PublicKey
	Policy contract.Policy
	// Contract is the deployer's, by which the evidence is judged again; nil takes the recorded one.
	Contract *contract.Contract
	// Version is this podproof's.
	Version string
	Now     time.Time
	// Keychain has the registry's password; nil is what `docker login` keeps.
	Keychain authn.Keychain
}

// Gated is the answer. The report's verdicts begin with those of the gate itself.
type Gated struct {
	Report report.Report
	// Taken are the contract's fields that the deployer's leaves to the recorded one.
	Taken []string
	// Digests are what a proven image may be named by: the index, and each manifest that was asked about.
	// Where it is not proven there are none.
	Digests []string
	// Until is when a proof ends by itself, since the run is too long ago or a waiver is over.
	Until time.Time
}

// Gate tells whether an image is proven: whether each manifest that a node may run of it has a statement that
// one of the keys signed, that says what the policy asks for, and whose evidence holds when it is judged
// again. Its error is an *InputError, or says why the registry could not be asked. What is missing is no
// error, but a verdict that fails.
func Gate(ctx context.Context, o GateOptions) (Gated, error) {
	if len(o.Keys) == 0 {
		return Gated{}, inputf("no key is named by which a proof would be believed; name one with --key podproof.pub")
	}
	r, err := openRegistry(ctx, o.Image, o.Version)
	if err != nil {
		return Gated{}, err
	}
	if o.Keychain != nil {
		r.options = append(r.options, remote.WithAuthFromKeychain(o.Keychain))
	}
	img, err := r.image()
	if err != nil {
		return Gated{}, err
	}
	g := gate{GateOptions: o, registry: r, img: img}
	wanted, refused := g.wanted()
	if refused != nil {
		return g.answer(hearing{gate: &g, said: []check.Verdict{*refused}}), nil
	}
	if err := g.hear(wanted); err != nil {
		return Gated{}, err
	}
	var first hearing
	digests := []string{img.top.Digest.String()}
	var until time.Time
	for i, v := range wanted {
		h := hearing{gate: &g, v: v}
		if err := h.examine(); err != nil {
			return Gated{}, err
		}
		if h.result() != check.Pass {
			return g.answer(h), nil
		}
		if end := h.until(); i == 0 || end.Before(until) {
			until = end
		}
		if i == 0 {
			first = h
		}
		if d := v.Digest.String(); !slices.Contains(digests, d) {
			digests = append(digests, d)
		}
	}
	out := g.answer(first)
	out.Until, out.Digests = until, digests
	return out, nil
}

// gate is a Gate under way.
type gate struct {
	GateOptions
	*registry
	img   pushed
	heard witnesses
}

// wanted are the manifests that nodes may run: all of the image, or those for the policy's platforms.
func (g *gate) wanted() ([]variant, *check.Verdict) {
	if len(g.Policy.Platforms) == 0 {
		return g.img.all, nil
	}
	var out []variant
	for _, p := range g.Policy.Platforms {
		n := len(out)
		for _, v := range g.img.all {
			if v.platform == p {
				out = append(out, v)
			}
		}
		if len(out) == n {
			v := platformGate.fails("the image can run on "+listed(g.Policy.Platforms), fmt.Sprintf("there is no image for %s under %s, but for %s", p, g.where, listed(g.platforms())),
				fmt.Sprintf("Build and verify it for %s, or name the platforms of your nodes with --platform.", p))
			return nil, &v
		}
	}
	return out, nil
}

// platforms are those that the image has.
func (g *gate) platforms() []string {
	var out []string
	for _, v := range g.img.all {
		if !slices.Contains(out, v.platform) {
			out = append(out, v.platform)
		}
	}
	return out
}

// hear reads what is stored beside the manifests, and beside the index that leads to them.
func (g *gate) hear(wanted []variant) error {
	digests := []v1.Hash{g.img.top.Digest}
	for _, v := range wanted {
		if !slices.Contains(digests, v.Digest) {
			digests = append(digests, v.Digest)
		}
	}
	return g.bundles(func(f found) { g.heard.add(f, g.Keys) }, digests...)
}

// hearing is the question for one manifest.
type hearing struct {
	*gate
	v     variant
	proof proof
	rec   report.Record
	// again are the verdicts on the evidence by the deployer's contract, and unknown the selected
	// checks that this podproof does not have.
	again   []check.Verdict
	unknown []string
	judged  contract.Contract
	taken   []string
	said    []check.Verdict
}

// examine asks everything, so that a person is told all that is missing at once.
func (h *hearing) examine() error {
	var ok bool
	if h.proof, ok = h.signed(); !ok {
		for _, c := range gates[1:] {
			h.said = append(h.said, c.skipped("there is no statement to ask"))
		}
		return nil
	}
	h.platform()
	h.recorded()
	h.fresh()
	h.version()
	if ok, err := h.readRecord(); err != nil {
		return err
	} else if !ok {
		for _, c := range []condition{judgedGate, requiredGate, waiversGate} {
			h.said = append(h.said, c.skipped("there is no record to judge"))
		}
		return nil
	}
	h.holds()
	h.required()
	h.waivers()
	return nil
}

// result is that of the gate's own verdicts alone: what the policy allows, they allow.
func (h *hearing) result() check.Status { return check.Result(h.said) }

// answer is the report: the gate's verdicts, and those on the evidence.
func (g *gate) answer(h hearing) Gated {
	e, c := h.rec.Evidence, h.judged
	if e.Run.Finished.IsZero() {
		p := h.proof.Verification
		e = evidence.Evidence{Run: evidence.Run{Version: p.Podproof.Version, Started: p.Started, Finished: p.Finished, CutOff: p.Incomplete}}
		if p.Cluster != nil {
			e.Cluster = &evidence.Cluster{Provider: p.Cluster.Provider, Kubernetes: p.Cluster.Kubernetes}
		}
	}
	r := report.New(c, e, append(slices.Clone(h.said), h.again...))
	r.Result = h.result()
	r.Subject.Image, r.Subject.Digest = g.named(), ""
	if h.v.config.Hex != "" {
		r.Subject.Digest = h.v.config.String()
	}
	if h.proof.Record != nil {
		r.Evidence = g.repo().Digest("sha256:" + h.proof.Record.SHA256).Name()
	}
	r.Ending = "The image is not to be deployed."
	return Gated{Report: r, Taken: h.taken}
}

// named is the image with its digest.
func (g *gate) named() string {
	if strings.Contains(g.where.Name(), "@") {
		return g.where.Name()
	}
	return g.where.Name() + "@" + g.img.top.Digest.String()
}

// Resolve finds the digest that an image's name leads to now. Its error is an *InputError, or says why the registry could not be asked.
func Resolve(ctx context.Context, image, version string, k authn.Keychain) (string, error) {
	r, err := openRegistry(ctx, image, version)
	if err != nil {
		return "", err
	}
	d, err := remote.Get(r.where, append(r.options, remote.WithAuthFromKeychain(k))...)
	if err != nil {
		return "", r.explain(err)
	}
	return d.Digest.String(), nil
}

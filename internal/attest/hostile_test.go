package attest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"podproof.dev/podproof/internal/check"
)

// Bundles that somebody made who may write to the registry, and some that the key's owner signed for something else.
func TestHostileBundles(t *testing.T) {
	none := "no statement is stored beside"
	for _, c := range []struct {
		name string
		make func(*world) Envelope
		seen string
	}{
		{"a good one", func(w *world) Envelope { return w.signs(payloadType, w.good()) }, ""},
		{"signed as another type", func(w *world) Envelope { return w.signs("application/json", w.good()) }, `has the type "application/json"`},
		{"signed as another type, and called a statement", func(w *world) Envelope {
			e := w.signs("application/json", w.good())
			e.PayloadType = payloadType
			return e
		}, "none is signed by"},
		{"signed without its type", func(w *world) Envelope {
			e := w.signs(payloadType, w.good())
			e.Signatures[0].Sig, _ = w.key.Sign(w.t.Context(), e.Payload)
			return e
		}, "none is signed by"},
		{"no signature", func(w *world) Envelope {
			e := w.signs(payloadType, w.good())
			e.Signatures = nil
			return e
		}, "it is not signed"},
		{"an empty signature", func(w *world) Envelope {
			e := w.signs(payloadType, w.good())
			e.Signatures[0].Sig = nil
			return e
		}, "none is signed by"},
		{"two signatures", func(w *world) Envelope {
			e := w.signs(payloadType, w.good())
			e.Signatures = append(e.Signatures, Signature{Sig: []byte("x")})
			return e
		}, "it has 2 signatures"},
		{"another text under the signature", func(w *world) Envelope {
			e := w.signs(payloadType, w.good())
			e.Payload = []byte(strings.Replace(string(e.Payload), "v0.5.0", "v0.5.1", 1))
			return e
		}, "none is signed by"},
		{"the public key as a password", func(w *world) Envelope {
			e := w.signs(payloadType, w.good())
			der, err := x509.MarshalPKIXPublicKey(w.public.key)
			if err != nil {
				w.t.Fatal(err)
			}
			m := hmac.New(sha256.New, der)
			m.Write(dsse.PAE(payloadType, e.Payload))
			e.Signatures[0].Sig = m.Sum(nil)
			return e
		}, "none is signed by"},
		{"a key that comes twice", func(w *world) Envelope {
			s := string(w.good())
			return w.signs(payloadType, []byte(strings.Replace(s, `"predicate":{`, `"predicate":{"result":"fail"},"predicate":{`, 1)))
		}, `the key "predicate" comes twice`},
		{"a key that comes twice, in capitals", func(w *world) Envelope {
			s := string(w.good())
			return w.signs(payloadType, []byte(strings.Replace(s, `"predicate":{`, `"predicate":{"Result":"fail",`, 1)))
		}, `the key "result" comes twice`},
		{"another kind of statement", func(w *world) Envelope {
			return w.signs(payloadType, []byte(strings.Replace(string(w.good()), StatementType, "https://in-toto.io/Statement/v0.1", 1)))
		}, "the statement has the type"},
		{"a summary alone", func(w *world) Envelope {
			return w.signs(payloadType, w.statement(about("shop/api", []v1.Hash{w.top().Digest}), SummaryType, newSummary(w.predicate(), "x", "y")))
		}, none},
		{"another predicate", func(w *world) Envelope {
			return w.signs(payloadType, w.statement(about("shop/api", []v1.Hash{w.top().Digest}), "https://podproof.dev/verificatio", w.predicate()))
		}, none},
		{"a predicate of a later version", func(w *world) Envelope {
			return w.signs(payloadType, w.statement(about("shop/api", []v1.Hash{w.top().Digest}), "https://podproof.dev/verification/v2", w.predicate()))
		}, "is of the type https://podproof.dev/verification/v2"},
		{"about the digest by its name alone", func(w *world) Envelope {
			s := []Subject{{Name: "shop/api@" + w.top().Digest.String(), Digest: map[string]string{"sha256": strings.Repeat("0", 64)}}}
			return w.signs(payloadType, w.statement(s, VerificationType, w.predicate()))
		}, "a layer was exchanged, or compressed anew"},
		{"about the digest of another kind", func(w *world) Envelope {
			s := []Subject{{Digest: map[string]string{"sha512": w.top().Digest.Hex, "SHA256": w.top().Digest.Hex}}}
			return w.signs(payloadType, w.statement(s, VerificationType, w.predicate()))
		}, "a layer was exchanged, or compressed anew"},
		{"about the digest in capitals", func(w *world) Envelope {
			s := []Subject{{Digest: map[string]string{"sha256": strings.ToUpper(w.top().Digest.Hex)}}}
			return w.signs(payloadType, w.statement(s, VerificationType, w.predicate()))
		}, "a layer was exchanged, or compressed anew"},
		{"about nothing", func(w *world) Envelope {
			return w.signs(payloadType, w.statement(nil, VerificationType, w.predicate()))
		}, "it is about nothing"},
		{"about another configuration", func(w *world) Envelope {
			p := w.predicate()
			p.Image.Config = "sha256:" + strings.Repeat("1", 64)
			return w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, p))
		}, "is about an image with the configuration sha256:1111"},
		{"no predicate", func(w *world) Envelope {
			return w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, nil))
		}, "it says nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, true)
			w.store(w.top().Digest, c.make(w))
			if c.seen == "" {
				w.passes(w.ref)
				return
			}
			w.refused(w.ref, "gate/signed", c.seen, "")
		})
	}
}

// What the key's owner signed and contradicts itself proves nothing, and hides no older statement: that may be outdated.
func TestContradictions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Verification)
		seen   string
	}{
		"no promises":                {func(p *Verification) { p.Promises, p.Counts, p.Selection = nil, nil, nil }, "no promise was looked at"},
		"a broken promise":           {func(p *Verification) { p.Promises["startup/ready"] = check.Fail; p.Counts = nil }, "1 promises are broken"},
		"a verdict that is none":     {func(p *Verification) { p.Promises["startup/ready"] = "ok" }, `"ok", which is none`},
		"another count":              {func(p *Verification) { p.Counts[check.Fail] = 1 }, "it counts 1 promises as fail"},
		"another result":             {func(p *Verification) { p.Result = "PASS" }, `its result is "PASS"`},
		"no selection":               {func(p *Verification) { p.Selection = nil }, "was not selected"},
		"selected without a verdict": {func(p *Verification) { p.Selection = append(p.Selection, "x/y") }, "there is no verdict on it"},
		"no end":                     {func(p *Verification) { p.Finished = p.Started.AddDate(-1, 0, 0) }, "the run began at"},
		"stopped":                    {func(p *Verification) { p.Incomplete = "Ctrl-C" }, "its result is pass"},
		"no platform":                {func(p *Verification) { p.Platforms = nil }, "it names no platform"},
		"a record that is no digest": {func(p *Verification) { p.Record.SHA256 = "../x" }, "the record has the digest"},
		"an image that is no digest": {func(p *Verification) { p.Image.Config = "latest" }, "the image's configuration"},
		"a record of another kind":   {func(p *Verification) { p.Record.MediaType = "text/plain" }, `of the type "text/plain"`},
		"a record that is too large": {func(p *Verification) { p.Record.Size = 1 << 40 }, "more than podproof reads"},
		"a record that is not there": {func(p *Verification) { p.Record.SHA256 = strings.Repeat("5", 64) }, "is no longer in the registry"},
		"another platform":           {func(p *Verification) { p.Platforms = []string{"linux/arm64"} }, "the statement is for another platform: it is for linux/arm64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, true)
			w.attest()
			p := w.predicate()
			p.Finished = p.Finished.Add(1)
			c.change(&p)
			w.store(w.top().Digest, w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, p)))
			g, err := w.gate(w.ref)
			if err != nil {
				t.Fatal(err)
			}
			if out := terminal(t, g.Report); g.Report.ExitCode() != 1 || !strings.Contains(out, c.seen) {
				t.Errorf("exit code %d, want a refusal with %q:\n%s", g.Report.ExitCode(), c.seen, out)
			}
		})
	}
}

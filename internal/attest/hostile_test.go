package attest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/report"
)

// signs makes an envelope that the world's key signed, of any text and type.
func (w *world) signs(kind string, payload []byte) Envelope {
	w.t.Helper()
	sig, err := w.key.Sign(w.t.Context(), dsse.PAE(kind, payload))
	if err != nil {
		w.t.Fatal(err)
	}
	return Envelope{Payload: payload, PayloadType: kind, Signatures: []Signature{{Sig: sig}}}
}

// predicate is that of a good run, as it is stored.
func (w *world) predicate() Verification {
	w.t.Helper()
	r, err := judge(w.rec)
	if err != nil {
		w.t.Fatal(err)
	}
	p := NewVerification(w.rec, r)
	p.Record = w.stores(w.rec)
	return p
}

// stores stores a record beside the image.
func (w *world) stores(rec report.Record) *Stored {
	w.t.Helper()
	data, err := json.Marshal(rec)
	if err != nil {
		w.t.Fatal(err)
	}
	blob, err := compressed(data)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.storesBlob(blob)
}

func (w *world) storesBlob(blob []byte) *Stored {
	w.t.Helper()
	if _, err := w.at().attach(w.top(), RecordType, blob, nil); err != nil {
		w.t.Fatal(err)
	}
	return &Stored{MediaType: RecordType, SHA256: sha256Of(blob).Hex, Size: int64(len(blob))}
}

func (w *world) statement(subjects []Subject, kind string, predicate any) []byte {
	w.t.Helper()
	s, err := newStatement(subjects, kind, predicate)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// good is the statement of a good run.
func (w *world) good() []byte {
	return w.statement(about("shop/api", []v1.Hash{w.top().Digest}), VerificationType, w.predicate())
}

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
		}, "the layers are not those that were verified"},
		{"about the digest of another kind", func(w *world) Envelope {
			s := []Subject{{Digest: map[string]string{"sha512": w.top().Digest.Hex, "SHA256": w.top().Digest.Hex}}}
			return w.signs(payloadType, w.statement(s, VerificationType, w.predicate()))
		}, "the layers are not those that were verified"},
		{"about the digest in capitals", func(w *world) Envelope {
			s := []Subject{{Digest: map[string]string{"sha256": strings.ToUpper(w.top().Digest.Hex)}}}
			return w.signs(payloadType, w.statement(s, VerificationType, w.predicate()))
		}, "the layers are not those that were verified"},
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

// Records that are not the one of the image, whoever signed their digest.
func TestHostileRecords(t *testing.T) {
	for name, c := range map[string]struct {
		make func(*world, *Verification)
		seen string
	}{
		"of another image": {func(w *world, p *Verification) {
			rec := w.rec
			e := *rec.Evidence.Image
			e.ID = "sha256:" + strings.Repeat("2", 64)
			rec.Evidence.Image = &e
			p.Record = w.stores(rec)
		}, "is about another image: about sha256:2222"},
		"of no image": {func(w *world, p *Verification) {
			rec := w.rec
			rec.Evidence.Image = nil
			p.Record = w.stores(rec)
		}, "about no image"},
		"of another run": {func(w *world, p *Verification) {
			rec := w.rec
			rec.Evidence.Run.Finished = rec.Evidence.Run.Finished.AddDate(0, 0, -30)
			p.Record = w.stores(rec)
		}, "is of another run"},
		"of other checks": {func(w *world, p *Verification) {
			rec := w.rec
			rec.Selected = []string{"image/platform"}
			p.Record = w.stores(rec)
		}, "is of 1 checks"},
		"not compressed": {func(w *world, p *Verification) { p.Record = w.storesBlob([]byte("{}")) }, "is not compressed"},
		"cut short": {func(w *world, p *Verification) {
			b, _ := compressed([]byte(`{"schemaVersion":"podproof/record/v1alpha1"}`))
			p.Record = w.storesBlob(b[:len(b)-9])
		}, "cannot be decompressed"},
		"a bomb": {func(w *world, p *Verification) {
			b, _ := compressed(make([]byte, maxRecord+1))
			p.Record = w.storesBlob(b)
		}, "more than 128 MiB"},
		"no record": {func(w *world, p *Verification) {
			b, _ := compressed([]byte(`{"schemaVersion":"podproof/report/v1alpha1"}`))
			p.Record = w.storesBlob(b)
		}, "is a report, which holds verdicts alone"},
		"with a broken promise": {func(w *world, p *Verification) {
			rec := w.rec
			e := *rec.Evidence.Image
			e.User, e.Config.User = nil, "root"
			rec.Evidence.Image = &e
			p.Record = w.stores(rec)
		}, "judged again, image/user-non-root is broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, true)
			p := w.predicate()
			c.make(w, &p)
			w.store(w.top().Digest, w.signs(payloadType, w.statement(about("", []v1.Hash{w.top().Digest}), VerificationType, p)))
			w.policy.AllowNoRecord = true // which is about none, and not about a wrong one
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

// between stands between the gate and the registry.
type between struct {
	http.Handler
	answer func(http.ResponseWriter, *http.Request) bool
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.answer == nil || !b.answer(w, r) {
		b.Handler.ServeHTTP(w, r)
	}
}

func hostile(t *testing.T, referrers bool) (*world, *between) {
	b := &between{Handler: fake.New(fake.WithReferrersSupport(referrers), fake.Logger(log.New(io.Discard, "", 0)))}
	return served(t, b), b
}

func TestTamperedRecord(t *testing.T) {
	w, b := hostile(t, true)
	a := w.attest()
	b.answer = func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, a.Predicate.Record.SHA256) || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		blob, _ := compressed([]byte(`{"schemaVersion":"podproof/record/v1alpha1"}`))
		_, _ = rw.Write(blob)
		return true
	}
	w.refused(w.ref, "gate/record", "was tampered with", "podproof attest run.json")
}

// A registry that does not answer, or not all, is no refusal and no pass.
func TestRegistryTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   string
		input  bool
	}{
		"an error": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			http.Error(w, "broken", http.StatusInternalServerError)
			return true
		}, "listing what is stored beside sha256:", false},
		"the fallback tag alone breaks": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/sha256-") {
				return false
			}
			http.Error(w, "broken", http.StatusForbidden)
			return true
		}, "reading the tag sha256-", false},
		"pages": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			w.Header().Set("Link", `</v2/shop/api/referrers/x?n=2>; rel="next"`)
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[]}`)
			return true
		}, "in pages, which podproof does not read", false},
		"too much beside it": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/referrers/") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			var ds []string
			for i := range maxReferrers + 1 {
				ds = append(ds, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:%064x"}`, i))
			}
			_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[`+strings.Join(ds, ",")+`]}`)
			return true
		}, "the newest statement might be among the rest", false},
		"an endless answer": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/sha256-") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			for range maxAnswer>>20 + 1 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
			return true
		}, "larger than 32 MiB", false},
		"no login": {func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}, "docker login", false},
		"no image": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/manifests/1") {
				return false
			}
			w.WriteHeader(http.StatusNotFound)
			return true
		}, "has no image", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, b := hostile(t, true)
			w.attest()
			w.passes(w.ref)
			b.answer = c.answer
			_, err := w.gate(w.ref)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, new(*InputError)) != c.input {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	w := newWorld(t, true)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if _, err := w.gate(strings.TrimPrefix(gone.URL, "http://") + "/shop/api:1"); err == nil || errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "registry 127.0.0.1") {
		t.Errorf("a registry that is away: %v", err)
	}
}

// GHCR has been seen to have a referrers API that lists nothing.
func TestEmptyReferrersAPI(t *testing.T) {
	w, b := hostile(t, false)
	b.answer = func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			return false
		}
		rw.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		_, _ = io.WriteString(rw, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
		return true
	}
	w.attest()
	w.passes(w.ref)
	if n := len(w.stored()); n != 3 {
		t.Errorf("%d referrers, want 3", n)
	}
}

// The fallback tag is an index that anybody may have written.
func TestFallbackTagThatPointsElsewhere(t *testing.T) {
	w := newWorld(t, false)
	w.attest()
	r := w.at()
	m, err := r.fallback(w.top().Digest)
	if err != nil || len(m.Manifests) == 0 {
		t.Fatal(m, err)
	}
	other := w.push(w.host+"/shop/api:2", shop(t, "amd64", "1002"))
	if err := remote.Put(r.tag(other, ""), list{m}); err != nil {
		t.Fatal(err)
	}
	w.refused(w.host+"/shop/api:2", "gate/signed", "is about another image", "podproof verify")
	// And so is what is no index at all.
	w.push(r.tag(other, "").Name(), shop(t, "amd64", "1003"))
	w.refused(w.host+"/shop/api:2", "gate/signed", "no statement is stored", "podproof verify")
	// What it lists may be gone.
	gone := m
	gone.Manifests = []v1.Descriptor{{MediaType: "application/vnd.oci.image.manifest.v1+json", Size: 9, Digest: sha256Of([]byte("x"))}}
	if err := remote.Put(r.tag(other, ""), list{gone}); err == nil {
		w.refused(w.host+"/shop/api:2", "gate/signed", "no statement is stored", "podproof verify")
	}
}

func TestLargeBundle(t *testing.T) {
	w := newWorld(t, true)
	e := w.signs(payloadType, w.good())
	b, err := newBundle(e, w.key)
	if err != nil {
		t.Fatal(err)
	}
	w.storeBundle(w.top().Digest, append(b, []byte(strings.Repeat(" ", maxBundle))...))
	w.refused(w.ref, "gate/signed", "larger than", "podproof verify")
}

// notListing takes whatever is pushed, and never lists a referrer.
func notListing(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case strings.Contains(r.URL.Path, "/referrers/"):
		w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
		_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[]}`)
	case strings.Contains(r.URL.Path, "/manifests/sha256-") && r.Method == http.MethodPut:
		w.WriteHeader(http.StatusCreated)
	default:
		return false
	}
	return true
}

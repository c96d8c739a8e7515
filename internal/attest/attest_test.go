package attest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	vsa "github.com/in-toto/attestation/go/predicates/vsa/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/evidence"
)

func TestAttestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world, *Options)
		result check.Status
		want   []string
	}{
		"a result that is fail": {func(w *world, o *Options) {
			w.rec.Evidence.Image.User, w.rec.Evidence.Image.Config.User = nil, "root"
			o.Record = w.options().Record
		}, check.Fail, []string{"the result of run.json is fail", "image/user-non-root (fail)", "--any-result"}},
		"a result that is inconclusive": {func(w *world, o *Options) {
			w.rec.Evidence.Health = nil
			o.Record = w.options().Record
		}, check.Inconclusive, []string{"inconclusive", "health/answers (inconclusive)"}},
		"another image": {func(w *world, o *Options) { w.push(w.ref, shop(t, "amd64", "1002")) }, "",
			[]string{"this is not the image that was verified", "has the configuration sha256:", "the record is about sha256:"}},
		"a signature that does not fit": {func(w *world, o *Options) {
			_, other := newKey(t, ecdsaKey(t))
			o.Signer = keySigner{w.key.(keySigner).private, other}
		}, "none", []string{"the signature does not fit the public key"}},
		"a converted image": {func(w *world, o *Options) {
			w.rec.Evidence.Image.Layers = nil
			ids, err := w.img.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range ids.RootFS.DiffIDs {
				w.rec.Evidence.Image.Layers = append(w.rec.Evidence.Image.Layers, evidence.Layer{DiffID: d.String()})
			}
			o.Record = w.options().Record
			w.push(w.ref, imagetest.Config(t, w.img, func(c *v1.ConfigFile) { c.Config.StopSignal = "SIGINT" }))
		}, "", []string{"the layers of sha256:", "its configuration differs in ", "StopSignal", "it was converted on the way"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, true)
			o := w.options()
			c.change(w, &o)
			_, err := Attest(t.Context(), o)
			var refusal *Refusal
			if err == nil || c.result != "none" && (!errors.As(err, &refusal) || refusal.Result != c.result) {
				t.Fatalf("%v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if len(w.stored()) > 0 {
				t.Error("something was stored all the same")
			}
		})
	}
}

func TestAttestWrongInput(t *testing.T) {
	w := newWorld(t, true)
	good := w.options()
	for name, c := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no record":               {func(o *Options) { o.Record = []byte("{}") }, "run.json is not evidence of podproof"},
		"a report":                {func(o *Options) { o.Record = []byte(`{"schemaVersion":"podproof/report/v1alpha1"}`) }, "run.json is a report"},
		"an image of the engine":  {func(o *Options) { o.Image = "docker:shop/api:1" }, "is not in a registry"},
		"an archive":              {func(o *Options) { o.Image = "tar:api.tar" }, "is not in a registry"},
		"no image":                {func(o *Options) { o.Image = "Shop API" }, "is not a valid image name"},
		"an image that is absent": {func(o *Options) { o.Image = w.host + "/shop/none:1" }, "has no image"},
		"no image in the record": {func(o *Options) {
			rec := w.rec
			rec.Evidence.Image = nil
			rec.Selected = []string{"termination/exit-zero"}
			o.Record, _ = json.Marshal(rec)
		}, "does not say which image was verified"},
		"an unknown check": {func(o *Options) {
			rec := w.rec
			rec.Selected = []string{"image/none"}
			o.Record, _ = json.Marshal(rec)
		}, `no check matches "image/none"`},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			c.change(&o)
			_, err := Attest(t.Context(), o)
			if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if len(w.stored()) > 0 {
		t.Error("something was stored all the same")
	}
}

// The statements are what in-toto's own types read, each field in its place.
func TestStatementsAreInToto(t *testing.T) {
	w := newWorld(t, true)
	a := w.attest()
	r := w.at()
	ds, err := r.referrers(w.top().Digest)
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]*intoto.Statement{}
	for _, d := range ds {
		if d.ArtifactType == RecordType {
			continue
		}
		if d.ArtifactType != BundleType || d.Annotations[contentKey] != "dsse-envelope" || d.Annotations[predicateKey] == "" {
			t.Errorf("a bundle is listed as %+v", d)
		}
		f, ok, err := r.bundle(d)
		if err != nil || !ok || f.err != nil {
			t.Fatal(ok, err, f.err)
		}
		s := &intoto.Statement{}
		if err := (protojson.UnmarshalOptions{}).Unmarshal(f.Payload, s); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(); err != nil {
			t.Error(err)
		}
		if len(s.Subject) != 1 || s.Subject[0].Digest["sha256"] != w.top().Digest.Hex || s.Subject[0].Name != w.host+"/shop/api" {
			t.Errorf("the subjects are %v", s.Subject)
		}
		read[s.PredicateType] = s
	}
	if len(read) != 2 || read[VerificationType] == nil || read[SummaryType] == nil {
		t.Fatalf("the statements are %v", read)
	}
	predicate, err := read[SummaryType].Predicate.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var sum vsa.VerificationSummary
	if err := (protojson.UnmarshalOptions{}).Unmarshal(predicate, &sum); err != nil {
		t.Fatal(err)
	}
	if sum.VerificationResult != "PASSED" || sum.Verifier.Id != verifierID || sum.ResourceUri != a.Image || !slices.Equal(sum.VerifiedLevels, []string{keptLevel}) ||
		sum.InputAttestations[0].Digest["sha256"] != strings.TrimPrefix(a.Statement, "sha256:") || !sum.TimeVerified.AsTime().Equal(a.Predicate.Finished.Truncate(time.Second)) {
		t.Errorf("the summary is %v", &sum)
	}
}

func TestPredicate(t *testing.T) {
	w := newWorld(t, true)
	p := w.attest().Predicate
	if p.Result != check.Pass || p.Promises["termination/exit-zero"] != check.Pass || p.Promises["database/slow"] != check.Skipped || p.Counts[check.Pass] < 30 ||
		len(p.Selection) != len(check.Catalogue()) || p.Skips[0].ID != "database/*" || p.Image.Config != w.rec.Evidence.Image.ID || !slices.Equal(p.Platforms, []string{"linux/amd64"}) ||
		p.Contract.SHA256 != strings.Repeat("c", 64) || p.Manifests.SHA256 != strings.Repeat("d", 64) || p.Cluster.Kubernetes != "v1.37.2" || p.Cluster.Provider != "kind" ||
		p.Podproof.Version != "v0.5.0" || !p.Finished.Equal(w.rec.Evidence.Run.Finished) || p.Record.MediaType != RecordType || p.Record.Size == 0 {
		t.Errorf("%+v", p)
	}
	// What is stored is the very text of the record.
	data, err := w.at().blob(v1.Hash{Algorithm: "sha256", Hex: p.Record.SHA256}, maxStored)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := compressed(w.options().Record)
	if err != nil || string(packed) != string(data) {
		t.Errorf("%d bytes are stored, want %d (%v)", len(data), len(packed), err)
	}
}

// Evidence of a podproof that did not tell its inputs is attested, and judged again.
func TestOldRecord(t *testing.T) {
	w := newWorld(t, true)
	w.rec.Evidence.Inputs = nil
	if p := w.attest().Predicate; p.Contract != nil || p.Manifests != nil {
		t.Errorf("%+v", p)
	}
	w.passes(w.ref)
}

func TestPredicateOnly(t *testing.T) {
	w := newWorld(t, true)
	a := w.attest(func(o *Options) { o.PredicateOnly, o.Signer = true, nil })
	if a.Predicate.Record != nil || a.Statement != "" || len(w.stored()) > 0 {
		t.Errorf("%+v, %v", a, w.stored())
	}
	a = w.attest(func(o *Options) { o.PredicateOnly, o.Signer, o.Keep = true, nil, RecordFull })
	if a.Predicate.Record == nil || len(w.stored()) != 1 {
		t.Errorf("%+v, %v", a, w.stored())
	}
}

// Where a Secret's value may stand in the logs, only verdicts are stored, but by somebody's own word.
func TestSecretsAreNotStored(t *testing.T) {
	w := newWorld(t, true)
	w.rec.Evidence.Logs.Unread = []evidence.UnreadLog{{}}
	a := w.attest(func(o *Options) { o.AnyResult = true })
	if a.Predicate.Promises[secretsKept] == check.Pass || a.Kept != RecordVerdicts || a.Predicate.Record.MediaType != VerdictsType {
		t.Errorf("%s, and %s is stored", a.Predicate.Promises[secretsKept], a.Kept)
	}
	if a := w.attest(func(o *Options) { o.AnyResult, o.Keep = true, RecordFull }); a.Kept != RecordFull {
		t.Errorf("%s is stored", a.Kept)
	}
}

func TestLegacyTag(t *testing.T) {
	w := newWorld(t, true)
	for range 2 { // the second time nothing is added
		w.attest(func(o *Options) { o.LegacyTag = true })
	}
	r := w.at()
	img, err := remote.Image(r.tag(w.top().Digest, ".att"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := img.Manifest()
	if err != nil || len(m.Layers) != 2 {
		t.Fatalf("%d layers, want two (%v)", len(m.Layers), err)
	}
	for i, kind := range []string{VerificationType, SummaryType} {
		l := m.Layers[i]
		if l.MediaType != envelopeType || l.Annotations["predicateType"] != kind {
			t.Errorf("layer %d is %+v", i, l)
		}
		data, err := r.blob(l.Digest, maxBundle)
		if err != nil {
			t.Fatal(err)
		}
		var e dsse.Envelope // the field's own type
		if err := json.Unmarshal(data, &e); err != nil {
			t.Fatal(err)
		}
		payload, err := e.DecodeB64Payload()
		if err != nil || e.PayloadType != payloadType || !strings.Contains(string(payload), kind) {
			t.Errorf("the envelope is %+v (%v)", e, err)
		}
	}
}

// Those who attest at the same time get there one after the other, where there is the fallback tag alone.
func TestAtTheSameTime(t *testing.T) {
	w := newWorld(t, false)
	var all sync.WaitGroup
	errs := make(chan error, 4)
	for i := range 4 {
		w.rec.Evidence.Run.Finished = w.rec.Evidence.Run.Finished.Add(time.Second)
		o := w.options()
		all.Add(1)
		go func() {
			defer all.Done()
			time.Sleep(time.Duration(i) * 30 * time.Millisecond)
			_, err := Attest(context.Background(), o)
			errs <- err
		}()
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	w.passes(w.ref)
}

// A registry that lists nothing of what it took is told, and is no success.
func TestNotListed(t *testing.T) {
	w, b := hostile(t, false)
	b.answer = notListing
	_, err := Attest(t.Context(), w.options())
	if err == nil || !strings.Contains(err.Error(), "lists it neither by its referrers API nor under the tag sha256-") {
		t.Error(err)
	}
}

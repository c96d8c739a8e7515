package attest

import (
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

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

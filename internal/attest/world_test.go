package attest

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/report"
)

// world is a registry in this process, an image in it, and the record of a run of that.
type world struct {
	t      testing.TB
	host   string
	ref    string
	img    v1.Image
	rec    report.Record
	key    Signer
	public PublicKey
	policy contract.Policy
	// deployers is the contract to judge by, and now the time of the gate.
	deployers *contract.Contract
	now       time.Time
}

// newWorld makes one whose image is pushed and not attested. Without referrers there is the fallback tag alone.
func newWorld(t testing.TB, referrers bool) *world {
	t.Helper()
	return served(t, fake.New(fake.WithReferrersSupport(referrers), fake.Logger(log.New(io.Discard, "", 0))))
}

func served(t testing.TB, h http.Handler) *world {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	w := &world{t: t, host: strings.TrimPrefix(s.URL, "http://"), img: shop(t, "amd64", "1001")}
	w.ref = w.host + "/shop/api:1"
	w.key, w.public = newKey(t, ecdsaKey(t))
	w.push(w.ref, w.img)
	w.rec = goodRecord(t)
	w.runs(w.img)
	w.now = w.rec.Evidence.Run.Finished.Add(time.Hour)
	return w
}

// shop is a small image.
func shop(t testing.TB, arch, user string) v1.Image {
	return imagetest.Config(t, imagetest.Image(t, []imagetest.File{imagetest.Exe("app/server", "\x7fELF"+arch)}), func(c *v1.ConfigFile) {
		c.OS, c.Architecture = "linux", arch
		c.Config.User, c.Config.Entrypoint = user, []string{"/app/server"}
	})
}

// goodRecord is a real run, all of whose promises are kept.
func goodRecord(t testing.TB) report.Record {
	t.Helper()
	data, err := lean()
	if err != nil {
		t.Fatal(err)
	}
	rec, err := report.ReadRecord("good.json", data)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// lean is the text of that record without most of what the run saw, which would only make these tests slow.
var lean = sync.OnceValues(func() ([]byte, error) {
	f, err := os.Open("../report/testdata/recorded/good.json.gz")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	rec, err := report.ReadRecord("good.json", data)
	if err != nil {
		return nil, err
	}
	rec.Selected = nil
	for _, c := range check.Catalogue() {
		rec.Selected = append(rec.Selected, c.ID)
	}
	rec.Contract.Skip = nil
	for _, glob := range []string{"database/*", "startup/waits-*", "rollout/*", "probes/*s-*", "config/m*", "termination/re*"} {
		rec.Contract.Skip = append(rec.Contract.Skip, contract.Skip{ID: glob, Reason: "not in this test"})
	}
	e := &rec.Evidence
	e.Rollouts, e.Outages, e.MalformedEnv, e.RequiredEnv, e.InFlight, e.Final, e.Steps = nil, nil, nil, nil, nil, nil, nil
	e.Run.Platform, e.Run.Version = "linux/amd64", "v0.5.0"
	e.Inputs = &evidence.Inputs{Contract: "sha256:" + strings.Repeat("c", 64), Manifests: "sha256:" + strings.Repeat("d", 64)}
	return json.Marshal(rec)
})

// runs makes the record one of a run of this image.
func (w *world) runs(img v1.Image) {
	w.t.Helper()
	id, err := img.ConfigName()
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := img.ConfigFile()
	if err != nil {
		w.t.Fatal(err)
	}
	e := *w.rec.Evidence.Image
	e.ID, e.OS, e.Architecture = id.String(), c.OS, c.Architecture
	w.rec.Evidence.Image = &e
	w.rec.Evidence.Run.Platform = c.OS + "/" + c.Architecture
}

// later moves the run.
func (w *world) later(d time.Duration) {
	w.rec.Evidence.Run.Started = w.rec.Evidence.Run.Started.Add(d)
	w.rec.Evidence.Run.Finished = w.rec.Evidence.Run.Finished.Add(d)
}

func (w *world) push(ref string, img remote.Taggable) v1.Hash {
	w.t.Helper()
	r, err := name.ParseReference(ref)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Push(r, img); err != nil {
		w.t.Fatal(err)
	}
	d, err := remote.Head(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Digest
}

func (w *world) options() Options {
	w.t.Helper()
	data, err := json.Marshal(w.rec)
	if err != nil {
		w.t.Fatal(err)
	}
	return Options{File: "run.json", Record: data, Image: w.ref, Signer: w.key, Version: "v0.5.0"}
}

// attest attests the record as it is now.
func (w *world) attest(change ...func(*Options)) Attested {
	w.t.Helper()
	o := w.options()
	for _, c := range change {
		c(&o)
	}
	a, err := Attest(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) gate(ref string) (Gated, error) {
	return Gate(w.t.Context(), GateOptions{Image: ref, Keys: []PublicKey{w.public}, Policy: w.policy, Contract: w.deployers, Version: "v0.5.0", Now: w.now})
}

// passes asks the gate for a pass.
func (w *world) passes(ref string) report.Report {
	w.t.Helper()
	g, err := w.gate(ref)
	if err != nil {
		w.t.Fatal(err)
	}
	if g.Report.ExitCode() != 0 {
		w.t.Fatalf("refused:\n%s", terminal(w.t, g.Report))
	}
	return g.Report
}

// refused asks the gate for a refusal by a condition, with a sentence and a fix.
func (w *world) refused(ref, id, seen, fix string) report.Report {
	w.t.Helper()
	g, err := w.gate(ref)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range g.Report.Verdicts {
		if v.ID == id && v.Verdict == check.Fail && strings.Contains(v.Seen, seen) && strings.Contains(v.Fix, fix) && g.Report.ExitCode() == 1 {
			return g.Report
		}
	}
	w.t.Fatalf("exit code %d, want %s to fail with %q and %q:\n%s", g.Report.ExitCode(), id, seen, fix, terminal(w.t, g.Report))
	return g.Report
}

func terminal(t testing.TB, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteTerminal(&b, r, report.Console{Name: "gate"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ecdsaKey(t testing.TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ed25519Key(t testing.TB) crypto.Signer {
	t.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newKey(t testing.TB, k crypto.Signer) (Signer, PublicKey) {
	t.Helper()
	private, public := keyFiles(t, k)
	s, err := ReadSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ReadPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

// keyFiles writes a key as openssl does.
func keyFiles(t testing.TB, k crypto.Signer) (private, public string) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pemFile(t, filepath.Join(dir, "podproof.key"), "PRIVATE KEY", der), pemFile(t, filepath.Join(dir, "podproof.pub"), "PUBLIC KEY", pub)
}

func pemFile(t testing.TB, file, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

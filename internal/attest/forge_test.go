package attest

import (
	"encoding/json"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"podproof.dev/podproof/internal/collect/image/imagetest"
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

func indexOf(imgs ...v1.Image) v1.ImageIndex {
	var index v1.ImageIndex = empty.Index
	for _, img := range imgs {
		c, err := img.ConfigFile()
		if err != nil {
			panic(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: c.OS, Architecture: c.Architecture}}})
	}
	return index
}

// withOtherLayer is an image whose configuration is the same, and whose layer is another.
func withOtherLayer(t testing.TB, img v1.Image) remote.Taggable {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.RawConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	evil := static.NewLayer(imagetest.Tar(t, imagetest.Exe("app/server", "\x7fELF evil")), types.DockerUncompressedLayer)
	return changed{img, m.DeepCopy(), config, evil}
}

type changed struct {
	v1.Image
	m      *v1.Manifest
	config []byte
	layer  v1.Layer
}

func (c changed) RawManifest() ([]byte, error) {
	h, err := c.layer.Digest()
	if err != nil {
		return nil, err
	}
	n, err := c.layer.Size()
	c.m.Layers[0].Digest, c.m.Layers[0].Size = h, n
	if err != nil {
		return nil, err
	}
	return json.Marshal(c.m)
}

func (c changed) Manifest() (*v1.Manifest, error) { _, err := c.RawManifest(); return c.m, err }
func (c changed) Layers() ([]v1.Layer, error)     { return []v1.Layer{c.layer}, nil }
func (c changed) Digest() (v1.Hash, error)        { return digestOfManifest(c.RawManifest()) }

func digestOfManifest(raw []byte, err error) (v1.Hash, error) {
	return sha256Of(raw), err
}

// at is the repository that the world's image is in.
func (w *world) at() *registry {
	w.t.Helper()
	r, err := openRegistry(w.t.Context(), w.ref, "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// top is what the world's image leads to.
func (w *world) top() v1.Descriptor {
	w.t.Helper()
	d, err := remote.Get(w.at().where)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.Descriptor
}

// stored are the digests of what is beside the image, in order.
func (w *world) stored() []string {
	w.t.Helper()
	ds, err := w.at().referrers(w.top().Digest)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []string
	for _, d := range ds {
		out = append(out, d.Digest.String())
	}
	slices.Sort(out)
	return out
}

// carry stores all bundles of the world's first image beside another one, as somebody would who wants that to pass.
func (w *world) carry(to v1.Hash) {
	w.t.Helper()
	r := w.at()
	from, err := w.img.Digest()
	if err != nil {
		w.t.Fatal(err)
	}
	var all []found
	if err := r.bundles(func(f found) { all = append(all, f) }, from); err != nil {
		w.t.Fatal(err)
	}
	if len(all) == 0 {
		w.t.Fatal("there is nothing to copy")
	}
	for _, f := range all {
		w.store(to, f.Envelope)
	}
}

// store stores an envelope beside a manifest, whatever it says.
func (w *world) store(to v1.Hash, e Envelope) {
	w.t.Helper()
	b, err := newBundle(e, w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.storeBundle(to, b)
}

func (w *world) storeBundle(to v1.Hash, b []byte) {
	w.t.Helper()
	r := w.at()
	d, err := remote.Get(r.digest(to))
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := r.attach(d.Descriptor, BundleType, b, nil); err != nil {
		w.t.Fatal(err)
	}
}

package attest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// An index is proven by a statement for each platform that it can run on.
func TestIndex(t *testing.T) {
	w := newWorld(t, false)
	arm := shop(t, "arm64", "1001")
	index := indexOf(w.img, arm)
	w.ref = w.host + "/shop/api:many"
	w.push(w.ref, index)
	a := w.attest()
	if a.Index != "" || !slices.Equal(a.Open, []string{"linux/arm64"}) {
		t.Errorf("the index %q is covered, and %v open", a.Index, a.Open)
	}
	w.refused(w.ref, "gate/signed", "the statement that is there is for another platform: it is for linux/amd64", "--platform linux/amd64")
	w.policy.Platforms = []string{"linux/amd64"}
	w.passes(w.ref)

	// A statement about the index says nothing of what was not tried.
	a = w.attest(func(o *Options) { o.Index = true })
	if a.Index == "" {
		t.Error("the index is not covered")
	}
	w.passes(w.ref)
	w.policy.Platforms = nil
	w.refused(w.ref, "gate/signed", "the statement that is there is for another platform: it is for linux/amd64", "--platform linux/amd64")
	w.policy.Platforms = []string{"linux/arm64"}
	w.refused(w.ref, "gate/signed", "is for another platform", "Verify it on linux/arm64")

	w.policy.Platforms = nil
	w.runs(arm)
	w.rec.Evidence.Image.Entry = nil
	w.attest()
	w.passes(w.ref)
}

// What an index calls a manifest does not make it another one.
func TestIndexOfLies(t *testing.T) {
	w := newWorld(t, true)
	w.ref = w.host + "/shop/api:lies"
	other := shop(t, "amd64", "1002")
	for name, index := range map[string]v1.ImageIndex{
		"a second manifest for the platform": indexOf(w.img, other),
		"called an attestation": mutate.AppendManifests(indexOf(w.img), mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}}),
		"without a platform": mutate.AppendManifests(indexOf(w.img), mutate.IndexAddendum{Add: other}),
	} {
		t.Run(name, func(t *testing.T) {
			w.push(w.ref, index)
			w.attest(func(o *Options) { o.Index = true })
			w.refused(w.ref, "gate/signed", "is for another platform", "")
			w.policy.Platforms = []string{"linux/amd64"}
			w.refused(w.ref, "gate/signed", "", "")
			w.policy.Platforms = nil
		})
	}
	t.Run("called another platform", func(t *testing.T) {
		w.push(w.ref, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: w.img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}}))
		w.attest()
		w.refused(w.ref, "gate/platform", "nodes take the image for linux/arm64", "Verify it on linux/arm64")
	})
	t.Run("another index in it", func(t *testing.T) {
		w.push(w.ref, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: indexOf(w.img)}))
		if _, err := w.gate(w.ref); err == nil || !strings.Contains(err.Error(), "holds another index") {
			t.Error(err)
		}
	})
	t.Run("what BuildKit stores beside it", func(t *testing.T) {
		w.push(w.ref, mutate.AppendManifests(indexOf(w.img), mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}}))
		if a := w.attest(); a.Index == "" {
			t.Error("the index is not covered")
		}
		w.passes(w.ref)
	})
}

// Nodes know a platform by other names, too: one that is not asked about must be one that they do not take.
func TestIndexOfOtherSpellings(t *testing.T) {
	w := newWorld(t, true)
	w.ref = w.host + "/shop/api:spelled"
	w.policy.Platforms = []string{"linux/amd64"}
	other := shop(t, "amd64", "1002")
	under := func(os, arch string) v1.ImageIndex {
		first := mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: arch}}}
		return mutate.AppendManifests(empty.Index, first, mutate.IndexAddendum{Add: w.img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}})
	}
	for name, index := range map[string]v1.ImageIndex{
		"x86_64":           under("linux", "x86_64"),
		"x86-64":           under("linux", "x86-64"),
		"in capitals":      under("Linux", "AMD64"),
		"without a system": under("", "amd64"),
		"by its configuration": mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: shop(t, "x86_64", "1002")},
			mutate.IndexAddendum{Add: w.img}),
	} {
		t.Run(name, func(t *testing.T) {
			w.push(w.ref, index)
			w.attest(func(o *Options) { o.Index = true })
			w.refused(w.ref, "gate/signed", "is for another platform", "")
		})
	}
	w.push(w.ref, under("linux", "arm64"))
	w.attest()
	w.passes(w.ref)
}

// CRI-O chooses by the platform alone, and takes what the manifest itself says to be.
func TestIndexOfSomethingElse(t *testing.T) {
	w := newWorld(t, true)
	m, err := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: shop(t, "amd64", "1002"), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: w.img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}}).IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	m.Manifests[0].MediaType = "application/vnd.example+json"
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	w.put("else", string(m.MediaType), text)
	w.attest()
	g, err := w.gate(w.host + "/shop/api:else")
	if err == nil || !strings.Contains(err.Error(), `of the media type "application/vnd.example+json"`) {
		t.Errorf("%v, exit code %d", err, g.Report.ExitCode())
	}
}

// A document that is a manifest and an index is what the registry calls it, to the gate one and to a node the other.
func TestAManifestThatIsAnIndexToo(t *testing.T) {
	w := newWorld(t, true)
	w.attest()
	m, err := indexOf(w.img).IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := shop(t, "amd64", "1002").RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	both := map[string]any{}
	if err := json.Unmarshal(raw, &both); err != nil {
		t.Fatal(err)
	}
	both["manifests"] = m.Manifests
	text, err := json.Marshal(both)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []types.MediaType{types.OCIImageIndex, types.OCIManifestSchema1} {
		w.put("both", string(kind), text)
		g, err := w.gate(w.host + "/shop/api:both")
		if err == nil || !strings.Contains(err.Error(), "is a manifest and an index at once") {
			t.Errorf("%s: %v, exit code %d", kind, err, g.Report.ExitCode())
		}
	}
}

// put stores a manifest as it is.
func (w *world) put(tag, kind string, text []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPut, "http://"+w.host+"/v2/shop/api/manifests/"+tag, bytes.NewReader(text))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.Body.Close() != nil || answer.StatusCode != http.StatusCreated {
		w.t.Fatal(answer, err)
	}
}

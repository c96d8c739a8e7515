package attest

import (
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
)

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
		"too many bundles beside it": {func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case strings.Contains(r.URL.Path, "/referrers/"):
				w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
				var ds []string
				for i := range maxBundles + 1 {
					ds = append(ds, fmt.Sprintf(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:%064x"}`, i))
				}
				_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[`+strings.Join(ds, ",")+`]}`)
			case strings.Contains(r.URL.Path, "/manifests/sha256:0000"):
				w.WriteHeader(http.StatusNotFound)
			default:
				return false
			}
			return true
		}, "more than the 512 that podproof reads", false},
		"an endless answer": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/manifests/sha256-") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			for range maxDocument>>20 + 1 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
			return true
		}, "larger than 4 MiB", false},
		"a small answer that is large in memory": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/manifests/1") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
			_, _ = io.WriteString(w, `{"schemaVersion":2,"manifests":[`+strings.Repeat("{},", 1<<20)+`{}]}`)
			return true
		}, "has more than 65536 values", false},
		"a configuration that is large": {func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/manifests/1") {
				return false
			}
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			_, _ = fmt.Fprintf(w, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":"sha256:%064x"}}`, maxConfig+1, 1)
			return true
		}, "a configuration of 1048577 bytes", true},
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

// A registry in a cluster may be called as the places of an image are.
func TestARegistryCalledRegistry(t *testing.T) {
	digest := "@sha256:" + strings.Repeat("0", 64)
	for image, want := range map[string]string{
		"registry:5000/shop/api" + digest: "registry:5000/shop/api" + digest, "docker:5000/shop/api:1": "docker:5000/shop/api:1", "registry:registry:5000/api:1": "registry:5000/api:1",
		"registry:shop/api:1": "index.docker.io/shop/api:1", "registry:127.0.0.1:5000/api:1": "127.0.0.1:5000/api:1", "registry:5000": "index.docker.io/library/5000:latest",
	} {
		r, err := openRegistry(t.Context(), image, "test")
		if err != nil {
			t.Errorf("%s: %v", image, err)
		} else if r.where.Name() != want {
			t.Errorf("%s is %s, want %s", image, r.where.Name(), want)
		}
	}
}

// What a stranger wrote is quoted in a few words.
func TestABundleOfManyWords(t *testing.T) {
	w := newWorld(t, true)
	w.storeBundle(w.top().Digest, []byte(`{"mediaType":"`+strings.Repeat("a", maxBundle/2)+`"}`))
	r := w.refused(w.ref, "gate/signed", `it says to be "aaaa`, "podproof verify")
	for _, v := range r.Verdicts {
		if len(v.Seen) > 2000 {
			t.Errorf("%s is told in %d bytes", v.ID, len(v.Seen))
		}
	}
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

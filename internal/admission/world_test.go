package admission

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"podproof.dev/podproof/internal/attest"
	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/collect/image/imagetest"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/report"
)

// world is a registry of this process, a key, and the webhook that believes it.
type world struct {
	t    testing.TB
	host string
	// password is what the registry asks for; empty asks for none.
	password string
	// away has the registry not answer, and asked counts what it is asked.
	away  atomic.Bool
	asked atomic.Int32
	key   attest.Signer
	hook  *Webhook
	time  time.Time
	log   bytes.Buffer
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, time: time.Now()}
	registry := fake.New(fake.WithReferrersSupport(true), fake.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		if w.away.Load() {
			<-r.Context().Done()
			return
		}
		if _, password, _ := r.BasicAuth(); w.password != "" && password != w.password {
			rw.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(rw, `{"errors":[{"code":"UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		registry.ServeHTTP(rw, r)
	}))
	t.Cleanup(s.Close)
	w.host = strings.TrimPrefix(s.URL, "http://")
	private, public := keyFiles(t)
	var err error
	if w.key, err = attest.ReadSigner(private); err != nil {
		t.Fatal(err)
	}
	k, err := attest.ReadPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	w.hook = &Webhook{Policy: attest.GateOptions{Keys: []attest.PublicKey{k}, Version: "test"}, Bounds: UsualBounds(), Log: slog.New(slog.NewTextHandler(&w.log, nil)), now: func() time.Time { return w.time }}
	return w
}

func keyFiles(t testing.TB) (private, public string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	private, public = filepath.Join(dir, "podproof.key"), filepath.Join(dir, "podproof.pub")
	for file, b := range map[string]*pem.Block{private: {Type: "PRIVATE KEY", Bytes: der}, public: {Type: "PUBLIC KEY", Bytes: pub}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return private, public
}

// pushed is an image of a user, by its digest.
func (w *world) pushed(user string) (byDigest string, img v1.Image) {
	w.t.Helper()
	img = imagetest.Config(w.t, imagetest.Image(w.t, []imagetest.File{imagetest.Exe("app/server", "\x7fELF")}), func(c *v1.ConfigFile) {
		c.OS, c.Architecture, c.Config.User, c.Config.Entrypoint = "linux", "amd64", user, []string{"/app/server"}
	})
	ref, err := name.ParseReference(w.host + "/shop/api:" + user)
	if err == nil {
		err = remote.Write(ref, img, remote.WithAuth(w.login()))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	d, err := img.Digest()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.host + "/shop/api@" + d.String(), img
}

func (w *world) login() authn.Authenticator {
	return authn.FromConfig(authn.AuthConfig{Username: "shop", Password: w.password})
}

// proven is a pushed image with a statement about a run that ended a minute ago.
func (w *world) proven(user string) string {
	w.t.Helper()
	image, img := w.pushed(user)
	w.attest(image, img)
	w.asked.Store(0)
	return image
}

func (w *world) attest(image string, img v1.Image) {
	w.t.Helper()
	f, err := os.Open("../report/testdata/recorded/good.json.gz")
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		w.t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		w.t.Fatal(err)
	}
	rec, err := report.ReadRecord("good.json", data)
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		w.t.Fatal(err)
	}
	rec.Selected = nil
	for _, c := range check.Catalogue() {
		rec.Selected = append(rec.Selected, c.ID)
	}
	rec.Contract.Skip = []contract.Skip{{ID: "database/slow", Reason: "the record is older than the check"}}
	rec.Evidence.Image.ID = id.String()
	rec.Evidence.Run.Platform = "linux/amd64"
	rec.Evidence.Run.Finished = w.time.Add(-time.Minute).UTC()
	rec.Evidence.Run.Started = rec.Evidence.Run.Finished.Add(-time.Minute)
	if data, err = json.Marshal(rec); err != nil {
		w.t.Fatal(err)
	}
	if _, err := attest.Attest(w.t.Context(), attest.Options{File: "run.json", Record: data, Image: image, Signer: w.key, Version: "test"}); err != nil {
		w.t.Fatal(err)
	}
}

// pod is one with these images.
func pod(images ...string) corev1.Pod {
	p := corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: "shop"}}
	for i, image := range images {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "c" + string(rune('0'+i)), Image: image})
	}
	return p
}

// creating is the request for an object.
func creating(t testing.TB, o any) *admissionv1.AdmissionRequest {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var kind metav1.TypeMeta
	if err := json.Unmarshal(b, &kind); err != nil {
		t.Fatal(err)
	}
	gvk := kind.GroupVersionKind()
	return &admissionv1.AdmissionRequest{UID: "u-1", Kind: metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}, Namespace: "shop", Name: "api", Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: b}}
}

func updating(t testing.TB, old, o any) *admissionv1.AdmissionRequest {
	t.Helper()
	r := creating(t, o)
	r.Operation, r.OldObject = admissionv1.Update, creating(t, old).Object
	return r
}

// posted is the answer over HTTP.
func (w *world) posted(query string, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	w.t.Helper()
	b, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r})
	if err != nil {
		w.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	w.hook.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, Path+query, bytes.NewReader(b)))
	var out admissionv1.AdmissionReview
	if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil || rec.Code != http.StatusOK {
		w.t.Fatalf("%d %s (%v)", rec.Code, rec.Body, err)
	}
	if out.Response == nil || out.Response.UID != r.UID || out.Kind != "AdmissionReview" || out.APIVersion != "admission.k8s.io/v1" {
		w.t.Fatalf("the answer is %+v", out)
	}
	return out.Response
}

func (w *world) admits(r *admissionv1.AdmissionRequest) {
	w.t.Helper()
	if a := w.posted("", r); !a.Allowed {
		w.t.Errorf("denied: %s", a.Result.Message)
	}
}

// denies wants texts in the message of a denial, and returns it.
func (w *world) denies(r *admissionv1.AdmissionRequest, texts ...string) string {
	w.t.Helper()
	return w.deniesIn("", r, texts...)
}

func (w *world) deniesIn(query string, r *admissionv1.AdmissionRequest, texts ...string) string {
	w.t.Helper()
	a := w.posted(query, r)
	if a.Allowed {
		w.t.Fatalf("admitted, want %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(a.Result.Message, text) {
			w.t.Errorf("denied with %q, want %q", a.Result.Message, text)
		}
	}
	return a.Result.Message
}

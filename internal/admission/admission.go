// Package admission is the gate inside a cluster: a validating admission webhook that lets no pod in whose images
// are not proven. What it cannot find out it refuses.
package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/attest"
)

// Webhook answers whether pods, and what makes them, are let in.
type Webhook struct {
	// Policy is what is asked of each image, but for its name, the passwords and the time.
	Policy attest.GateOptions
	// Except are repositories whose images are let in without a proof: "registry.example/mesh/*".
	Except []string
	Bounds Bounds
	// Client reads pull secrets; nil reads none.
	Client kubernetes.Interface
	Log    *slog.Logger

	now   func() time.Time // nil is time.Now
	once  sync.Once
	asker *asker
}

const (
	maxReview = 16 << 20 // bytes of a request: an object and the one before it, of up to 3 MiB each
	maxValues = 1 << 17  // values in it: whoever reaches the Service may ask, and an empty container takes 3 bytes and fills 1000
	maxImages = 64       // images of a pod: one pod must not take all places to ask
	// usualTime is how long a request may take that does not say so (admissionregistration.k8s.io/v1).
	usualTime = 10 * time.Second
	// spare is what is left of that for the answer's way.
	spare = time.Second
)

// ServeHTTP answers an AdmissionReview.
func (w *Webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxReview))
	if err == nil && bytes.Count(body, []byte(",")) > maxValues {
		err = fmt.Errorf("it has more than %d values", maxValues)
	}
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(rw, "this is no AdmissionReview: "+err.Error(), http.StatusBadRequest)
		return
	}
	if review.APIVersion != admissionv1.SchemeGroupVersion.String() || review.Kind != "AdmissionReview" || review.Request == nil {
		http.Error(rw, fmt.Sprintf("this is %s of %s; podproof answers an AdmissionReview of %s with a request", review.Kind, review.APIVersion, admissionv1.SchemeGroupVersion), http.StatusBadRequest)
		return
	}
	within := timeOf(r)
	ctx, cancel := context.WithTimeoutCause(r.Context(), within, fmt.Errorf("it did not answer within %s", within))
	defer cancel()
	answer := w.review(ctx, review.Request)
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(admissionv1.AdmissionReview{TypeMeta: review.TypeMeta, Response: answer})
}

// timeOf is how long an answer may take: the API server says how long it waits.
func timeOf(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || d <= 0 {
		d = usualTime
	}
	return max(d-spare, d/2)
}

func (w *Webhook) review(ctx context.Context, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	started := time.Now()
	reasons := w.reasons(ctx, r)
	out := &admissionv1.AdmissionResponse{UID: r.UID, Allowed: len(reasons) == 0}
	if !out.Allowed {
		out.Result = &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: joined(reasons)}
		object := r.Name
		if object == "" {
			object = "(new)"
		}
		w.Log.Info("denied", "kind", r.Kind.Kind, "namespace", r.Namespace, "name", object, "by", r.UserInfo.Username, "took", time.Since(started).Round(time.Millisecond), "why", joined(reasons))
	}
	return out
}

// reasons say why a request is denied; none lets it in.
func (w *Webhook) reasons(ctx context.Context, r *admissionv1.AdmissionRequest) []string {
	asked, err := images(r)
	if err != nil {
		return []string{err.Error()}
	}
	w.once.Do(func() {
		if w.now == nil {
			w.now = time.Now
		}
		w.asker = newAsker(w.Policy, w.Bounds, w.now)
	})
	keys := sync.OnceValues(func() (keychain, error) { return pullSecrets(ctx, w.Client, r.Namespace, asked.pod) })
	// Containers of one image are one question.
	var order []string
	users := map[string][]string{}
	for _, u := range asked.uses {
		if users[u.image] == nil {
			order = append(order, u.image)
		}
		users[u.image] = append(users[u.image], u.kind+" "+u.container)
	}
	if len(order) > maxImages {
		return []string{fmt.Sprintf("it names %d images, more than the %d that podproof asks about at a time; make several of it", len(order), maxImages)}
	}
	said, who := make([]string, len(order)), askedBy(r)
	var all sync.WaitGroup
	for i, image := range order {
		all.Go(func() {
			if why := w.image(ctx, image, who, keys); why != "" {
				said[i] = strings.Join(users[image], ", ") + ": " + why
			}
		})
	}
	all.Wait()
	return slices.DeleteFunc(said, func(s string) bool { return s == "" })
}

// image says why an image is refused; empty lets it in.
func (w *Webhook) image(ctx context.Context, image, who string, keys func() (keychain, error)) (why string) {
	defer func() {
		if p := recover(); p != nil { // else one user's image would end the gate for all
			why = crashed(image, p)
		}
	}()
	where, err := name.ParseReference(image)
	if err != nil {
		return fmt.Sprintf("%q is not a valid image name: %v", image, err)
	}
	if w.excepted(where.Context().Name()) {
		return ""
	}
	digest, ok := where.(name.Digest)
	if !ok {
		now, err := w.asker.resolve(ctx, where, who, keys)
		return byTag(image, now, err)
	}
	return w.asker.proven(ctx, digest, who, keys).refused
}

func (w *Webhook) excepted(repository string) bool {
	return slices.ContainsFunc(w.Except, func(glob string) bool {
		same, _ := path.Match(glob, repository)
		return same
	})
}

// ParseExcept reads globs of repositories by their full names, as nodes know them.
func ParseExcept(globs []string) ([]string, error) {
	var out []string
	for _, g := range globs {
		if _, err := path.Match(g, ""); err != nil || g == "" || strings.ContainsAny(g, "@ ") || strings.Contains(path.Base(g), ":") {
			return nil, fmt.Errorf("%q is not a repository; write it as registry.example/mesh/proxy or registry.example/mesh/*, without tag and digest", g)
		}
		host, rest, slash := strings.Cut(g, "/")
		switch {
		case !slash || !strings.ContainsAny(host, ".:*") && host != "localhost":
			return nil, fmt.Errorf("%q does not begin with a registry; write it as docker.io/library/postgres", g)
		case host == "docker.io":
			if !strings.Contains(rest, "/") {
				rest = "library/" + rest
			}
			g = name.DefaultRegistry + "/" + rest
		}
		out = append(out, g)
	}
	return out, nil
}

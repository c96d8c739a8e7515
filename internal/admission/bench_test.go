package admission

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BenchmarkAnswer times an answer over HTTP about an image that is known (cached), and about one that is not, from a
// registry of this process (first): go test -run '^$' -bench Answer ./internal/admission
func BenchmarkAnswer(b *testing.B) {
	for name, first := range map[string]bool{"cached": false, "first": true} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			body, err := json.Marshal(admissionv1.AdmissionReview{TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: creating(b, pod(w.proven("1001")))})
			if err != nil {
				b.Fatal(err)
			}
			s := httptest.NewServer(w.hook)
			defer s.Close()
			ask := func() time.Duration {
				began := time.Now()
				resp, err := http.Post(s.URL+Path+"?timeout=10s", "application/json", bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				var out admissionv1.AdmissionReview
				if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || !out.Response.Allowed {
					b.Fatalf("%+v (%v)", out.Response, err)
				}
				return time.Since(began)
			}
			ask()
			var took []time.Duration
			for b.Loop() {
				if first {
					w.time = w.time.Add(w.hook.Bounds.Keep + time.Second)
				}
				took = append(took, ask())
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}

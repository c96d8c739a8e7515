package workload

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// list reads "cpu=10m memory=16Mi".
func list(words ...string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := 0; i+1 < len(words); i += 2 {
		out[corev1.ResourceName(words[i])] = resource.MustParse(words[i+1])
	}
	return out
}

func TestAPodFitsWhatItsNamespaceDemands(t *testing.T) {
	for _, c := range []struct {
		name                string
		ranges              []corev1.LimitRangeItem
		quota               corev1.ResourceList
		limits              corev1.ResourceList
		wantLimits, wantReq corev1.ResourceList
	}{
		{name: "nothing", wantReq: list("cpu", "10m", "memory", "16Mi")},
		{name: "a minimum", ranges: []corev1.LimitRangeItem{{Type: "Container", Min: list("memory", "64Mi")}}, wantReq: list("cpu", "10m", "memory", "64Mi")},
		{name: "one of pods", ranges: []corev1.LimitRangeItem{{Type: "Pod", Min: list("memory", "64Mi")}}, wantReq: list("cpu", "10m", "memory", "16Mi")},
		{name: "a ratio to its limit", ranges: []corev1.LimitRangeItem{{Type: "Container", MaxLimitRequestRatio: list("memory", "4")}}, limits: list("memory", "256Mi"),
			wantLimits: list("memory", "256Mi"), wantReq: list("cpu", "10m", "memory", "67108864001m")},
		{name: "a ratio to the limit by default", ranges: []corev1.LimitRangeItem{{Type: "Container", MaxLimitRequestRatio: list("cpu", "2"), Default: list("cpu", "500m")}},
			wantReq: list("cpu", "251m", "memory", "16Mi")},
		{name: "a limit by default below the request", ranges: []corev1.LimitRangeItem{{Type: "Container", Default: list("memory", "8Mi")}}, wantReq: list("cpu", "10m", "memory", "8Mi")},
		{name: "a quota that counts limits", quota: list("limits.memory", "1Gi", "requests.cpu", "1"), wantLimits: list("memory", "256Mi"), wantReq: list("cpu", "10m", "memory", "16Mi")},
		{name: "one, of a container that has its own", quota: list("limits.memory", "1Gi"), limits: list("memory", "20Mi"), wantLimits: list("memory", "20Mi"), wantReq: list("cpu", "10m", "memory", "16Mi")},
		{name: "one, beside a limit by default", quota: list("limits.cpu", "1"), ranges: []corev1.LimitRangeItem{{Type: "Container", Default: list("cpu", "200m")}}, wantReq: list("cpu", "10m", "memory", "16Mi")},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := &Applier{Client: fake.NewClientset(&corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "l", Namespace: "shop"}, Spec: corev1.LimitRangeSpec{Limits: c.ranges}},
				&corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q", Namespace: "shop"}, Spec: corev1.ResourceQuotaSpec{Hard: c.quota}})}
			d, err := a.Demands(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			r := corev1.ResourceRequirements{Requests: list("cpu", "10m", "memory", "16Mi"), Limits: c.limits}
			p := &corev1.Pod{Spec: corev1.PodSpec{InitContainers: []corev1.Container{{Resources: *r.DeepCopy()}}, Containers: []corev1.Container{{Resources: r}}}}
			d.Fit(p)
			for _, got := range []corev1.ResourceRequirements{p.Spec.Containers[0].Resources, p.Spec.InitContainers[0].Resources} {
				if diff := cmp.Diff(corev1.ResourceRequirements{Requests: c.wantReq, Limits: c.wantLimits}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestDemandsThatNobodyMayAskFor(t *testing.T) {
	client := fake.NewClientset()
	var refusal error = apierrors.NewForbidden(schema.GroupResource{}, "", nil)
	client.PrependReactor("list", "*", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, refusal })
	a := &Applier{Client: client}
	if d, err := a.Demands(t.Context(), "shop"); err != nil || len(d.ranges)+len(d.capped) > 0 {
		t.Errorf("got %+v (%v)", d, err)
	}
	refusal = errors.New("connection refused")
	if _, err := a.Demands(t.Context(), "shop"); err == nil {
		t.Error("an API server that is away demands nothing")
	}
}

func TestNoRoom(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for err, want := range map[error]bool{
		apierrors.NewForbidden(pods, "p", errors.New("exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5")): true,
		apierrors.NewForbidden(pods, "p", errors.New("failed quota: q: must specify limits.cpu for: a")):                     false,
		errors.New("exceeded quota"): false,
	} {
		if NoRoom(err) != want {
			t.Errorf("%v: %t", err, !want)
		}
	}
}

func TestWhatAClusterMakesOfAPod(t *testing.T) {
	asked := corev1.PodSpec{InitContainers: []corev1.Container{{Name: "i", Image: "i:1"}}, Containers: []corev1.Container{{Name: "api", Image: "api:1", Resources: corev1.ResourceRequirements{Limits: list("memory", "1Gi")}}}}
	if got := Altered(asked, *asked.DeepCopy()); len(got) > 0 {
		t.Errorf("of the same pod: %q", got)
	}
	made := asked.DeepCopy()
	made.Containers[0].Image = "mirror/api:1"
	made.Containers[0].Resources.Limits = list("memory", "512Mi", "cpu", "1")
	made.Containers = append(made.Containers, corev1.Container{Name: "mesh", Image: "mesh:1"})
	want := []string{"container api runs image mirror/api:1 instead of api:1", "container api gets the limit cpu 1", "container api gets the limit memory 512Mi", "container mesh is injected (image mesh:1)"}
	if diff := cmp.Diff(want, Altered(asked, *made)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

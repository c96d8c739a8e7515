package rights

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// answering is an API server that says whether what is asked is allowed.
func answering(allowed func(authorizationv1.ResourceAttributes) (bool, error)) *fake.Clientset {
	client := fake.NewClientset()
	client.PrependReactor("create", "selfsubjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		r := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview).DeepCopy()
		yes, err := allowed(*r.Spec.ResourceAttributes)
		r.Status.Allowed = yes
		return true, r, err
	})
	return client
}

func TestMissing(t *testing.T) {
	var mu sync.Mutex
	var asked []authorizationv1.ResourceAttributes
	client := answering(func(a authorizationv1.ResourceAttributes) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, a)
		return a.Verb != "watch" && a.Name != "db" && a.Resource != "nodes", nil
	})
	rules := []Rule{
		To("", "pods", "list", "watch").For("states"), To("", "pods", "watch").For("again"), To("", "pods/exec", "create").Of("agent"),
		To("apps", "deployments", "update").Of("api", "db").For("rolling out"), To("", "nodes", "list").Anywhere().Or("less"),
	}
	got, err := Missing(t.Context(), client, "shop", rules)
	if err != nil {
		t.Fatal(err)
	}
	want := []Rule{
		{Resource: "pods", Verbs: []string{"watch"}, Why: []string{"again", "states"}},
		{Group: "apps", Resource: "deployments", Verbs: []string{"update"}, Names: []string{"db"}, Why: []string{"rolling out"}},
		{Resource: "nodes", Verbs: []string{"list"}, Wide: true, Without: "less"},
	}
	if diff := cmp.Diff(want, Union(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	questions := []authorizationv1.ResourceAttributes{
		{Namespace: "shop", Verb: "list", Resource: "pods"}, {Namespace: "shop", Verb: "watch", Resource: "pods"},
		{Namespace: "shop", Verb: "create", Resource: "pods", Subresource: "exec", Name: "agent"},
		{Namespace: "shop", Verb: "update", Group: "apps", Resource: "deployments", Name: "api"},
		{Namespace: "shop", Verb: "update", Group: "apps", Resource: "deployments", Name: "db"},
		{Verb: "list", Resource: "nodes"},
	}
	if len(asked) != len(questions) {
		t.Errorf("asked were %+v", asked)
	}
	for _, q := range questions {
		if !slices.Contains(asked, q) {
			t.Errorf("nobody asked %+v", q)
		}
	}
}

// Many questions are asked side by side, and no more than so many at once.
func TestMissingIsAskedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		asks := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			most = max(most, now)
		}
		client := answering(func(authorizationv1.ResourceAttributes) (bool, error) { return true, nil })
		slow := &slowClient{Clientset: client, asks: asks}
		var rules []Rule
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"} {
			rules = append(rules, To("", "pods", "get").Of(name))
		}
		began := time.Now()
		if got, err := Missing(t.Context(), slow, "shop", rules); err != nil || len(got) > 0 {
			t.Errorf("got %v (%v)", texts(got), err)
		}
		if took := time.Since(began); most != sideBySide || took != 2*time.Second {
			t.Errorf("%d at once, and all took %s", most, took)
		}
	})
}

func TestMissingOfAnAPIServerThatDoesNotAnswer(t *testing.T) {
	broken := errors.New("the API server is away")
	client := answering(func(authorizationv1.ResourceAttributes) (bool, error) { return false, broken })
	if got, err := Missing(t.Context(), client, "shop", []Rule{To("", "pods", "list")}); !errors.Is(err, broken) || got != nil {
		t.Errorf("got %v (%v)", got, err)
	}
}

func TestWho(t *testing.T) {
	answer := func(r *authenticationv1.SelfSubjectReview, err error) *fake.Clientset {
		client := fake.NewClientset()
		client.PrependReactor("create", "selfsubjectreviews", func(clienttesting.Action) (bool, runtime.Object, error) { return true, r, err })
		return client
	}
	review := &authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{UserInfo: authenticationv1.UserInfo{Username: "system:serviceaccount:ci:podproof"}}}
	if got, err := Who(context.Background(), answer(review, nil)); err != nil || *got != *ServiceAccount("ci", "podproof") {
		t.Errorf("got %v (%v)", got, err)
	}
	if got, err := Who(t.Context(), answer(nil, apierrors.NewNotFound(schema.GroupResource{}, ""))); err != nil || got != nil {
		t.Errorf("of an old API server: %v (%v)", got, err)
	}
	if got, err := Who(t.Context(), answer(nil, errors.New("away"))); err == nil || got != nil {
		t.Errorf("of none: %v (%v)", got, err)
	}
}

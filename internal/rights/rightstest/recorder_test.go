package rightstest

import (
	"slices"
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/rights"
)

// What an API server would ask its authorizer for, of each kind of request.
func TestRightsOfActions(t *testing.T) {
	pods, core := schema.GroupVersionResource{Version: "v1", Resource: "pods"}, schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	one := metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", "api").String()}
	object := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "api"}} // any with a name
	for _, c := range []struct {
		action clienttesting.Action
		want   rights.Rule
	}{
		{clienttesting.NewGetAction(pods, "shop", "api"), rights.To("", "pods", "get").Of("api")},
		{clienttesting.NewListAction(pods, schema.GroupVersionKind{}, "shop", metav1.ListOptions{}), rights.To("", "pods", "list")},
		{clienttesting.NewListAction(pods, schema.GroupVersionKind{}, "shop", one), rights.To("", "pods", "list").Of("api")},
		{clienttesting.NewListAction(pods, schema.GroupVersionKind{}, "", metav1.ListOptions{}), rights.To("", "pods", "list").Anywhere()},
		{clienttesting.NewWatchAction(pods, "shop", one), rights.To("", "pods", "watch").Of("api")},
		{clienttesting.NewCreateAction(pods, "shop", object), rights.To("", "pods", "create")},
		{clienttesting.NewCreateSubresourceAction(pods, "api", "eviction", "shop", object), rights.To("", "pods/eviction", "create")},
		{clienttesting.NewUpdateAction(pods, "shop", object), rights.To("", "pods", "update").Of("api")},
		{clienttesting.NewPatchAction(pods, "shop", "api", "", nil), rights.To("", "pods", "patch").Of("api")},
		{clienttesting.NewDeleteAction(pods, "shop", "api"), rights.To("", "pods", "delete").Of("api")},
		{clienttesting.NewDeleteCollectionAction(pods, "shop", metav1.ListOptions{}), rights.To("", "pods", "deletecollection")},
		{clienttesting.NewRootDeleteAction(core, "shop"), rights.To("", "namespaces", "delete").Of("shop").Anywhere()},
	} {
		got := ruleOf(c.action)
		if got.String() != c.want.String() || !slices.Equal(got.Verbs, c.want.Verbs) {
			t.Errorf("%T: %s, want %s", c.action, got, c.want)
		}
	}
}

// Each recorder hears what was asked in its time.
func TestRecordersOfOneFake(t *testing.T) {
	var f clienttesting.Fake
	var first Recorder
	first.On(&f)
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	_, _ = f.Invokes(clienttesting.NewGetAction(pods, "shop", "ofATest"), nil)
	first.keep(rights.To("", "pods", "get"))
	second := first.Next()
	first.keep(rights.To("", "pods", "list"))
	if got := first.Used(); len(got) != 1 || got[0].String() != "get pods" {
		t.Errorf("the first heard %v", got)
	}
	if got := second.Used(); len(got) != 1 || got[0].String() != "list pods" {
		t.Errorf("the second heard %v", got)
	}
}

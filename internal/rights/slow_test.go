package rights

import (
	"context"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	typed "k8s.io/client-go/kubernetes/typed/authorization/v1"
)

// slowClient takes a second for each review: client-go's fake itself answers one after the other.
type slowClient struct {
	*fake.Clientset
	asks func(int)
}

func (c *slowClient) AuthorizationV1() typed.AuthorizationV1Interface {
	return slowGroup{c.Clientset.AuthorizationV1(), c}
}

type slowGroup struct {
	typed.AuthorizationV1Interface
	c *slowClient
}

func (g slowGroup) SelfSubjectAccessReviews() typed.SelfSubjectAccessReviewInterface {
	return slowReviews{g.AuthorizationV1Interface.SelfSubjectAccessReviews(), g.c}
}

type slowReviews struct {
	typed.SelfSubjectAccessReviewInterface
	c *slowClient
}

func (r slowReviews) Create(ctx context.Context, x *authorizationv1.SelfSubjectAccessReview, o metav1.CreateOptions) (*authorizationv1.SelfSubjectAccessReview, error) {
	r.c.asks(1)
	defer r.c.asks(-1)
	time.Sleep(time.Second)
	return r.SelfSubjectAccessReviewInterface.Create(ctx, x, o)
}

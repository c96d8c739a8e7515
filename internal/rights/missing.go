package rights

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// sideBySide is how many questions are asked at once.
const sideBySide = 8

// Missing asks the API server, right by right, which of the rules the caller does not have in a
// namespace, which need not be there yet. SelfSubjectRulesReview would tell all at once, but not
// what a webhook grants (status.incomplete); this one every authorizer answers, and every
// authenticated user may ask it (system:basic-user). Each rule that comes back is about one verb
// and at most one name; Union puts them together.
func Missing(ctx context.Context, client kubernetes.Interface, namespace string, rules []Rule) ([]Rule, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sideBySide)
	var asked []Rule
	seen := map[access]bool{}
	for _, r := range rules { // not their union: who may not see all may see the one that it needs
		for _, a := range r.accesses() {
			if !seen[a] {
				asked = append(asked, r.only(a))
			}
			seen[a] = true
		}
	}
	denied := make([]bool, len(asked))
	for i, r := range asked {
		g.Go(func() error {
			allowed, err := may(ctx, client, namespace, r)
			denied[i] = !allowed
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	gone := map[access]bool{}
	for i, r := range asked {
		gone[r.accesses()[0]] = denied[i]
	}
	var out []Rule
	for _, r := range rules {
		for _, a := range r.accesses() {
			if gone[a] {
				out = append(out, r.only(a))
			}
		}
	}
	return out, nil
}

// may asks for a rule of one verb and at most one name.
func may(ctx context.Context, client kubernetes.Interface, namespace string, r Rule) (bool, error) {
	about := &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: r.Verbs[0], Group: r.Group, Resource: r.Resource, Subresource: r.Subresource}
	if r.Wide {
		about.Namespace = metav1.NamespaceAll
	}
	if len(r.Names) > 0 {
		about.Name = r.Names[0]
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: about}}
	answer, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("asking the API server whether this run may %s: %w", r, err)
	}
	return answer.Status.Allowed, nil
}

// Who is the caller, as the subject of a binding. An API server that does not tell (before
// Kubernetes 1.28) leaves it nil.
func Who(ctx context.Context, client kubernetes.Interface) (*rbacv1.Subject, error) {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	switch {
	case apierrors.IsNotFound(err) || apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("asking the API server who this is: %w", err)
	}
	return subjectOf(review.Status.UserInfo.Username), nil
}

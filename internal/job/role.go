package job

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// creatingRole makes a role or its binding.
func creatingRole(ctx context.Context, client kubernetes.Interface, o Object, how metav1.CreateOptions) (Object, error) {
	switch o := o.(type) {
	case *rbacv1.Role:
		return client.RbacV1().Roles(o.Namespace).Create(ctx, o, how)
	case *rbacv1.RoleBinding:
		return client.RbacV1().RoleBindings(o.Namespace).Create(ctx, o, how)
	}
	return nil, fmt.Errorf("a Job needs no %T", o) // a mistake in this package
}

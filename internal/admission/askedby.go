package admission

import (
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
)

// askedBy is for whom a request asks, as who has places of his own. Whoever may make service accounts in a namespace
// has as many names as he likes, so that these are one; and Kubernetes' own controllers make pods for everybody, so
// that what they make in a namespace is one. They have accounts of their own, or one name for all (the controller
// manager's --use-service-account-credentials).
func askedBy(r *admissionv1.AdmissionRequest) string {
	account, ok := strings.CutPrefix(r.UserInfo.Username, "system:serviceaccount:")
	namespace, _, _ := strings.Cut(account, ":")
	switch {
	case ok && namespace == "kube-system", r.UserInfo.Username == "system:kube-controller-manager":
		return fmt.Sprintf("the controllers in namespace %q", r.Namespace)
	case ok:
		return fmt.Sprintf("the service accounts of namespace %q", namespace)
	}
	return fmt.Sprintf("user %q", r.UserInfo.Username)
}

package workload

import (
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// ApplierOf is an Applier of clients that are connected already, such as client-go's fakes.
func ApplierOf(client kubernetes.Interface, d dynamic.Interface, kinds meta.RESTMapper) *Applier {
	return &Applier{Client: client, dynamic: d, mapper: kinds}
}

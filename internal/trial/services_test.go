package trial

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

// A dependency is waited for at each TCP port of a Service that has an address.
func TestAwaitServices(t *testing.T) {
	service := func(name, ip string, ports ...corev1.ServicePort) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: ports}}
	}
	tcp := corev1.ServicePort{Port: 5432, Protocol: corev1.ProtocolTCP}
	db, headless := service("db", "10.96.0.7", tcp, corev1.ServicePort{Port: 53, Protocol: corev1.ProtocolUDP}), service("db-pods", "None", tcp)
	var ran []string
	AwaitServices(t.Context(), fake.NewClientset(db, headless), shell{ran: &ran}, "worker", []corev1.Service{*db, *headless, *service("gone", "")})
	if want := []string{"worker: connect … 5432"}; !slices.Equal(ran, want) {
		t.Errorf("the node was asked to run %q, want %q", ran, want)
	}
}

package trial

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var httpOn8000 = corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{
	{Name: "proxy", Ports: []corev1.ContainerPort{{Name: "admin", ContainerPort: 9000}}},
	{Name: "api", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8000}}},
}}}

func TestLeadsTo(t *testing.T) {
	b := bench(httpOn8000)
	for _, c := range []struct {
		name string
		port corev1.ServicePort
		want bool
	}{
		{"the same port", corev1.ServicePort{Port: 8000}, true},
		{"another port", corev1.ServicePort{Port: 80}, false},
		{"by number", corev1.ServicePort{Port: 80, TargetPort: intstr.FromInt32(8000)}, true},
		{"by another number", corev1.ServicePort{Port: 8000, TargetPort: intstr.FromInt32(9000)}, false},
		{"by name", corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")}, true},
		{"by the name of another port", corev1.ServicePort{Port: 8000, TargetPort: intstr.FromString("admin")}, false},
		{"by a name that nobody has", corev1.ServicePort{Port: 8000, TargetPort: intstr.FromString("web")}, false},
	} {
		if got := b.leadsTo(c.port, 8000); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestServiceAddress(t *testing.T) {
	service := func(name, ip string, ports ...corev1.ServicePort) *corev1.Service {
		return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Spec: corev1.ServiceSpec{ClusterIP: ip, Ports: ports}}
	}
	metrics := corev1.ServicePort{Port: 9000}
	web := corev1.ServicePort{Port: 80, TargetPort: intstr.FromString("http")}
	live := []corev1.Service{*service("headless", corev1.ClusterIPNone, web), *service("admin", "10.96.0.1", metrics),
		*service("web", "10.96.0.2", metrics, web), *service("six", "fd00::2", web)}
	b := bench(httpOn8000, &live[0], &live[1], &live[2], &live[3])
	for _, c := range []struct {
		name     string
		services []corev1.Service
		want     string
	}{
		{"the first that leads there", live, "10.96.0.2:80"},
		{"IPv6", live[3:], "[fd00::2]:80"},
	} {
		if got, err := b.serviceAddress(t.Context(), c.services, 8000); err != nil || got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, got, err, c.want)
		}
	}
	for name, services := range map[string][]corev1.Service{"none": nil, "a headless one": live[:1], "one that leads elsewhere": live[1:2]} {
		_, err := b.serviceAddress(t.Context(), services, 8000)
		if err == nil || !strings.Contains(err.Error(), "deployment/api") || !strings.Contains(err.Error(), "8000") {
			t.Errorf("%s: %v, want an error that names the workload and the port", name, err)
		}
	}
	_, err := b.serviceAddress(t.Context(), []corev1.Service{*service("unapplied", "", web)}, 8000)
	if err == nil || !strings.Contains(err.Error(), "service/unapplied") {
		t.Errorf("a Service that the cluster lacks: %v", err)
	}
}

// A redirect is followed to where a kubelet follows it, and no further.
func TestFollow(t *testing.T) {
	e := contract.Endpoint{Protocol: "http", Port: 8000, Path: "/health", Header: map[string]string{"Host": "shop.example"}}
	for _, c := range []struct {
		name, location string
		status         int
		path, address  string
	}{
		{"a slash at the end", "/health/", 301, "/health/", "10.0.0.7:8000"},
		{"relative", "live?deep=0", 307, "/live?deep=0", "10.0.0.7:8000"},
		{"to TLS on the same host", "https://10.0.0.7:8443/health", 308, "/health", "10.0.0.7:8443"},
		{"to another host", "https://shop.example/health", 302, "", ""},
		{"a location without a redirect", "/items/7", 201, "", ""},
		{"none", "", 304, "", ""},
	} {
		got, address := follow(e, "10.0.0.7:8000", evidence.HTTPAttempt{Status: c.status, Location: c.location})
		if address != c.address || address != "" && got.Path != c.path {
			t.Errorf("%s: %s at %q", c.name, got, address)
		}
	}
	if got := location("Content-Type: text/plain\r\nLocation: /health/\r\n"); got != "/health/" {
		t.Errorf("the location is %q", got)
	}
}

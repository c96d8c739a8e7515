package trial

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
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

// asked makes the trial of a workload with one pod, as a bench and its agent have it.
func asked(t *testing.T, a answers, change func(*kubelet, *TestBed)) (*evidence.Health, error) {
	t.Helper()
	k := newKubelet(t, life{})
	b := k.bench(template())
	b.agent = a.attach
	k.start(b, "api-1")
	change(k, b)
	return askForHealth(t.Context(), b.as(t, Health))
}

// published has the workload's port led to by service/web.
func published(t *testing.T) func(*kubelet, *TestBed) {
	return func(k *kubelet, b *TestBed) {
		s := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"},
			Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.2", Ports: []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8000)}}}}
		b.Services = []corev1.Service{s}
		if err := k.client.Tracker().Add(&s); err != nil {
			t.Error(err)
		}
	}
}

func TestHealthIsAskedThroughTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		slow := func(s agent.Stream, at time.Time) evidence.Request {
			if n++; n < 4 {
				return always(503)(s, at)
			}
			return fine(s, at)
		}
		h, err := asked(t, slow, published(t))
		if err != nil {
			t.Fatal(err)
		}
		if h.URL != "http://10.96.0.2:80/health" || h.Through != "the Service" || len(h.Attempts) != 4 || h.Attempts[3].Status != 200 {
			t.Errorf("got %+v", h)
		}
		if h.Seconds < 3 || h.Seconds > 4 {
			t.Errorf("it took %g s", h.Seconds)
		}
	})
}

func TestHealthIsAskedStraightAtThePodWhereNoServiceLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := asked(t, fine, func(*kubelet, *TestBed) {})
		if err != nil || !strings.HasPrefix(h.URL, "http://10.244.0.") || h.Through != "no Service, straight at pod api-1" {
			t.Errorf("got %+v (%v)", h, err)
		}
		// Whoever has a Service with an address that leads elsewhere has users that are led there.
		_, err = asked(t, fine, func(k *kubelet, b *TestBed) {
			published(t)(k, b)
			b.Services[0].Spec.Ports[0].TargetPort = intstr.FromInt32(9000)
		})
		if err == nil || !strings.Contains(err.Error(), "no Service with a cluster address") {
			t.Errorf("got %v", err)
		}
		h, err = asked(t, fine, func(k *kubelet, b *TestBed) { // a port of its own for health needs none
			published(t)(k, b)
			b.Services[0].Spec.Ports[0].TargetPort, b.Asked.Health.Port = intstr.FromInt32(8000), 9000
		})
		if err != nil || !strings.HasSuffix(h.URL, ":9000/health") {
			t.Errorf("got %+v (%v)", h, err)
		}
	})
}

// One that has no Ready pod is asked a few times only; one without a port, not at all.
func TestHealthOfAWorkloadThatIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := asked(t, always(500), func(k *kubelet, b *TestBed) {
			k.ready("api-1", false)
			k.await(b, "not Ready", func(p *corev1.Pod) bool { return !workload.IsReady(p) })
		})
		if err != nil || len(h.Attempts) != inVain || h.Attempts[0].Status != 500 {
			t.Errorf("got %+v (%v)", h, err)
		}
		if h, err := asked(t, always(500), func(*kubelet, *TestBed) {}); err != nil || len(h.Attempts) != healthAttempts {
			t.Errorf("of a Ready one: %+v (%v)", h, err)
		}
		if _, err := asked(t, fine, func(_ *kubelet, b *TestBed) { b.Asked.Health.Port = 0 }); err != errNoPort {
			t.Errorf("got %v", err)
		}
		k := newKubelet(t, life{waits: "ErrImagePull"})
		if _, err := askForHealth(t.Context(), k.bench(template())); err == nil || !strings.Contains(err.Error(), "no container of deployment/api runs: it has no pods") {
			t.Errorf("got %v", err)
		}
	})
}

func TestHealthThatRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := func(location string) evidence.Request {
			return evidence.Request{Connected: 0.001, End: 0.002, Status: 301, Head: "Location: " + location + "\r\n", Body: strings.Repeat("x", 2*maxBody)}
		}
		h, err := asked(t, func(s agent.Stream, at time.Time) evidence.Request {
			if s.Path == "/health" {
				return to("/health/")
			}
			return always(204)(s, at)
		}, published(t))
		if err != nil || len(h.Attempts) != 2 || h.Attempts[1].Status != 204 || h.Attempts[1].URL != "http://10.96.0.2:80/health/" || h.Attempts[0].URL != "" {
			t.Errorf("got %+v (%v)", h, err)
		}
		if n := len(h.Attempts[0].Body); n != maxBody {
			t.Errorf("%d bytes of the page are kept", n)
		}
		h, err = asked(t, func(agent.Stream, time.Time) evidence.Request { return to("/health") }, published(t))
		if err != nil || len(h.Attempts) != 1+mostRedirects {
			t.Errorf("in a circle: %d attempts (%v)", len(h.Attempts), err)
		}
	})
}

func TestPlace(t *testing.T) {
	for protocol, want := range map[string]string{"http": "http://10.0.0.7:80/health", "https": "https://10.0.0.7:80/health", "grpc": "grpc://10.0.0.7:80", "tcp": "tcp://10.0.0.7:80"} {
		if got := place(contract.Endpoint{Protocol: protocol, Path: "/health"}, "10.0.0.7:80"); got != want {
			t.Errorf("%s: %s", protocol, got)
		}
	}
}

func TestAHealthThatCannotBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := func(context.Context, io.Reader, io.Writer) error { return errors.New("no such container") }
		k := newKubelet(t, life{})
		b := k.bench(template())
		k.start(b, "api-1")
		b.agent = broken
		if h, err := askForHealth(t.Context(), b.as(t, Health)); err == nil || !strings.Contains(err.Error(), "its pod is not there") {
			t.Errorf("got %+v, %v", h, err)
		}
	})
}

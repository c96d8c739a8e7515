package workload

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// ProxyLabel selects podproof's proxy in front of a dependency, whose name is its value.
const ProxyLabel = "podproof.dev/proxy"

// TwinPrefix begins the name of the Service by which the proxy reaches what a Service of the
// manifests led to before.
const TwinPrefix = "podproof-"

// freePorts is from where on the proxy listens at a port that nobody else names.
const freePorts = 20000

// firstUnprivileged is the first port that anybody may listen on (net.ipv4.ip_unprivileged_port_start).
const firstUnprivileged = 1024

// Front is how podproof's proxy stands in front of a controller: its Services lead to the proxy, and
// each has a twin that leads where it led before.
type Front struct {
	// Switched stand for the manifests' Services, Twins are beside them.
	Switched, Twins []Object
	Routes          []FrontRoute
	// Hostname and Subdomain give the proxy's pod the name in DNS that the controller's pod had,
	// "postgres-0.postgres"; empty where it had none.
	Hostname, Subdomain string
}

// FrontRoute is a port of the proxy's, and the port of a twin that it leads to.
type FrontRoute struct {
	Listen int32
	Twin   string
	Port   int32
}

// Address is the route for the proxy, where the twin has that address.
func (r FrontRoute) Address(ip string) string {
	return fmt.Sprintf("%d=%s", r.Listen, net.JoinHostPort(ip, strconv.Itoa(int(r.Port))))
}

// Privileged tells whether one of the ports is one that not everybody may listen on.
func (f Front) Privileged() bool {
	return slices.ContainsFunc(f.Routes, func(r FrontRoute) bool { return r.Listen < firstUnprivileged })
}

// Leads returns the objects with the Services that lead to the proxy in place of their own.
func (f Front) Leads(objects []Object) []Object {
	out := slices.Clone(objects)
	for i, o := range out {
		for _, s := range f.Switched {
			if o.String() == s.String() {
				out[i] = s
			}
		}
	}
	return out
}

// FrontOf puts the proxy in front of a controller. The error says why what is sent to the
// controller cannot go through it.
func FrontOf(objects []Object, c, subject Controller) (*Front, error) {
	services, err := Services(objects, c)
	if err != nil {
		return nil, err
	}
	if len(services) == 0 {
		return nil, fmt.Errorf("no Service of the manifests leads to %s", c)
	}
	if c.Template.Spec.HostNetwork {
		return nil, fmt.Errorf("the pods of %s have the network of their node (hostNetwork)", c)
	}
	f := &front{Front: &Front{Hostname: c.Template.Spec.Hostname, Subdomain: c.Template.Spec.Subdomain}, controller: c, taken: map[int32]bool{}}
	// A headless Service gives the pods' own addresses, at which a port is what it is.
	slices.SortStableFunc(services, func(a, b corev1.Service) int { return cmp.Compare(rankOf(a), rankOf(b)) })
	for _, s := range services {
		if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(subject.Template.Labels)) {
			return nil, fmt.Errorf("service/%s leads to %s as well as to %s", s.Name, subject, c)
		}
		if err := f.add(s, objects); err != nil {
			return nil, err
		}
	}
	return f.Front, nil
}

func headless(s corev1.Service) bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }

func rankOf(s corev1.Service) int {
	if headless(s) {
		return 0
	}
	return 1
}

// front is one being made.
type front struct {
	*Front
	controller Controller
	taken      map[int32]bool // ports of the proxy's
}

func (f *front) add(s corev1.Service, objects []Object) error {
	for _, p := range s.Spec.Ports {
		if protocol := cmp.Or(p.Protocol, corev1.ProtocolTCP); protocol != corev1.ProtocolTCP {
			return fmt.Errorf("port %d of service/%s is %s, and the proxy passes on TCP alone", p.Port, s.Name, protocol)
		}
	}
	var ports []corev1.ServicePort // of the twin
	var err error
	if headless(s) {
		ports, err = f.ownPorts(s)
	} else {
		ports, err = f.translated(s)
	}
	if err != nil {
		return err
	}
	twin := corev1.Service{Spec: corev1.ServiceSpec{Selector: s.Spec.Selector, Ports: ports, PublishNotReadyAddresses: s.Spec.PublishNotReadyAddresses}}
	twin.APIVersion, twin.Kind = "v1", "Service"
	twin.Name, twin.Namespace, twin.Labels = TwinOf(s.Name), s.Namespace, map[string]string{RunLabel: s.Labels[RunLabel]}
	i := slices.IndexFunc(objects, func(o Object) bool { return o.GetKind() == "Service" && o.GetName() == s.Name })
	u, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&twin)
	if err != nil {
		return err
	}
	delete(u, "status")
	f.Twins = append(f.Twins, Object{&unstructured.Unstructured{Object: u}, objects[i].Source})
	f.Switched = append(f.Switched, f.switched(s, objects[i]))
	return nil
}

// TwinOf is the name of a Service's twin. It is one of DNS, which has a longest (RFC 1035).
func TwinOf(name string) string {
	if twin := TwinPrefix + name; len(twin) <= 63 {
		return twin
	}
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s%x", TwinPrefix, sum[:8])
}

// ownPorts listens at the ports that the controller's containers have, since clients of a headless
// Service connect with the pod itself, and gives the pod's name to the proxy's.
func (f *front) ownPorts(s corev1.Service) ([]corev1.ServicePort, error) {
	governs, _, _ := unstructured.NestedString(f.controller.Object.Object, "spec", "serviceName")
	if f.controller.GetKind() == "StatefulSet" && governs == s.Name {
		if f.controller.Replicas > 1 {
			return nil, fmt.Errorf("service/%s is headless and gives each of the %d pods of %s a name of its own, which one proxy cannot have", s.Name, f.controller.Replicas, f.controller)
		}
		first, _, _ := unstructured.NestedInt64(f.controller.Object.Object, "spec", "ordinals", "start")
		f.Hostname, f.Subdomain = fmt.Sprintf("%s-%d", f.controller.GetName(), first), s.Name
	}
	var numbers []int32
	for _, c := range f.controller.Template.Spec.Containers {
		for _, p := range c.Ports {
			if cmp.Or(p.Protocol, corev1.ProtocolTCP) == corev1.ProtocolTCP {
				numbers = append(numbers, p.ContainerPort)
			}
		}
	}
	for _, p := range s.Spec.Ports {
		n, err := f.target(s, p)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) == 0 {
		return nil, fmt.Errorf("service/%s is headless, and neither it nor the containers of %s name a port", s.Name, f.controller)
	}
	var out []corev1.ServicePort
	for _, n := range numbers {
		p := corev1.ServicePort{Name: fmt.Sprintf("p%d", n), Port: n, Protocol: corev1.ProtocolTCP}
		p.TargetPort.IntVal = n
		out = append(out, p)
		if !f.taken[n] { // another headless Service leads to the same pods
			f.taken[n] = true
			f.Routes = append(f.Routes, FrontRoute{n, TwinOf(s.Name), n})
		}
	}
	return out, nil
}

// translated listens wherever there is room, since a Service with an address of its own can lead to
// any port.
func (f *front) translated(s corev1.Service) ([]corev1.ServicePort, error) {
	var out []corev1.ServicePort
	for _, p := range s.Spec.Ports {
		n, err := f.target(s, p)
		if err != nil || n < firstUnprivileged {
			n = freePorts
		}
		for f.taken[n] {
			n = max(freePorts, n+1)
		}
		f.taken[n] = true
		f.Routes = append(f.Routes, FrontRoute{n, TwinOf(s.Name), p.Port})
		p.NodePort = 0
		out = append(out, p)
	}
	if len(out) == 0 {
		return nil, errors.New("service/" + s.Name + " has no port")
	}
	return out, nil
}

// target is the number of the container port that a Service's port leads to.
func (f *front) target(s corev1.Service, p corev1.ServicePort) (int32, error) {
	name := p.TargetPort.StrVal
	if name == "" {
		return cmp.Or(p.TargetPort.IntVal, p.Port), nil
	}
	for _, c := range f.controller.Template.Spec.Containers {
		for _, q := range c.Ports {
			if q.Name == name {
				return q.ContainerPort, nil
			}
		}
	}
	return 0, fmt.Errorf("port %d of service/%s leads to a port %q, which no container of %s names", p.Port, s.Name, name, f.controller)
}

// switched is a copy of a Service that leads to the proxy.
func (f *front) switched(s corev1.Service, o Object) Object {
	c := Object{o.DeepCopy(), o.Source}
	// It has a spec, or it would have no selector.
	_ = unstructured.SetNestedStringMap(c.Object, map[string]string{ProxyLabel: f.controller.GetName()}, "spec", "selector")
	ports, there, _ := unstructured.NestedSlice(c.Object, "spec", "ports")
	if !there {
		return c
	}
	for i, p := range s.Spec.Ports {
		if m, ok := ports[i].(map[string]any); ok {
			m["targetPort"] = int64(f.listens(s, p))
		}
	}
	_ = unstructured.SetNestedSlice(c.Object, ports, "spec", "ports")
	return c
}

// listens is where the proxy is reached by a port of a Service.
func (f *front) listens(s corev1.Service, p corev1.ServicePort) int32 {
	if headless(s) {
		n, _ := f.target(s, p) // it is one that is listened on
		return n
	}
	i := slices.IndexFunc(f.Routes, func(r FrontRoute) bool { return r.Twin == TwinOf(s.Name) && r.Port == p.Port })
	return f.Routes[i].Listen
}

package workload

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// firstUnprivileged is the first port that anybody may listen on (net.ipv4.ip_unprivileged_port_start).
const firstUnprivileged = 1024

// Front is how podproof's proxy stands in for a dependency, for pods of podproof's own: their hosts
// files lead the dependency's names to the proxy (Pod.Spec.HostAliases). Everybody else reaches the
// dependency itself, as before.
type Front struct {
	// Names are all by which a pod of the namespace may call it.
	Names  []string
	Routes []FrontRoute
}

// FrontRoute is a port of the proxy's, and the port that it leads to: of a Service, or of a host
// outside of the cluster.
type FrontRoute struct {
	Listen  int32
	Service string
	Host    string
	Port    int32
}

// Address is the route as the proxy takes it, to a host's name or address.
func (r FrontRoute) Address(host string) string {
	return fmt.Sprintf("%d=%s", r.Listen, net.JoinHostPort(host, strconv.Itoa(int(r.Port))))
}

// Privileged tells whether one of the ports is one that not everybody may listen on.
func (f Front) Privileged() bool {
	return slices.ContainsFunc(f.Routes, func(r FrontRoute) bool { return r.Listen < firstUnprivileged })
}

// Aliases lead the names to the addresses of the proxy's pod.
func (f Front) Aliases(ips []corev1.PodIP) (out []corev1.HostAlias) {
	for _, ip := range ips {
		out = append(out, corev1.HostAlias{IP: ip.IP, Hostnames: f.Names})
	}
	return out
}

// FrontOf has the proxy stand in for a controller. The error says why what is sent to the controller
// cannot go through it.
func FrontOf(objects []Object, c, subject Controller) (*Front, error) {
	services, err := Services(objects, c)
	if err != nil {
		return nil, err
	}
	if len(services) == 0 {
		return nil, fmt.Errorf("no Service of the manifests leads to %s", c)
	}
	f := &front{controller: c, target: map[int32]listener{}}
	// What has an address of its own goes first: no name needs to be looked up to reach it.
	slices.SortStableFunc(services, func(a, b corev1.Service) int { return cmp.Compare(rankOf(a), rankOf(b)) })
	for _, s := range services {
		if labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(subject.Template.Labels)) {
			return nil, fmt.Errorf("service/%s leads to %s as well as to %s", s.Name, subject, c)
		}
		if err := f.add(s); err != nil {
			return nil, err
		}
	}
	f.Names = append(f.Names, aliasesOf(objects, f.Names)...)
	return &f.Front, nil
}

// FrontOfHost has the proxy stand in for a host outside of the cluster.
func FrontOfHost(objects []Object, host string, port int32) (*Front, error) {
	if net.ParseIP(host) != nil {
		return nil, fmt.Errorf("%s is an address: podproof's proxy stands in for names alone, which the hosts file of a pod leads to it", host)
	}
	f := &Front{Names: []string{strings.ToLower(host)}, Routes: []FrontRoute{{Listen: port, Host: host, Port: port}}}
	f.Names = append(f.Names, aliasesOf(objects, f.Names)...)
	return f, nil
}

// IsHeadless tells whether a Service has no address of its own, but those of the pods.
func IsHeadless(s corev1.Service) bool { return s.Spec.ClusterIP == corev1.ClusterIPNone }

func rankOf(s corev1.Service) int {
	if IsHeadless(s) {
		return 1
	}
	return 0
}

// QualifiedNames are those of a Service, or of a pod of a headless one ("db-0.db"), within a
// namespace and beyond it (DNS-Based Service Discovery). "cluster.local" is what a cluster's domain is
// unless somebody changed it.
func QualifiedNames(name, namespace string) []string {
	within := name + "." + namespace
	return []string{name, within, within + ".svc", within + ".svc.cluster.local"}
}

// aliasesOf are the names of the Services that are an alias (ExternalName) for one of some names.
func aliasesOf(objects []Object, names []string) (out []string) {
	for _, o := range objects {
		to, _, _ := unstructured.NestedString(o.Object, "spec", "externalName")
		if o.GetKind() == "Service" && to != "" && slices.Contains(names, strings.ToLower(strings.TrimSuffix(to, "."))) {
			out = append(out, QualifiedNames(o.GetName(), o.GetNamespace())...)
		}
	}
	return out
}

// front is one being made.
type front struct {
	Front
	controller Controller
	target     map[int32]listener // by the proxy's port
}

// listener is what one port of the proxy's leads to.
type listener struct {
	service string
	port    int32 // of the controller's containers
}

func (f *front) add(s corev1.Service) error {
	f.Names = append(f.Names, QualifiedNames(s.Name, s.Namespace)...)
	for _, p := range s.Spec.Ports {
		if protocol := cmp.Or(p.Protocol, corev1.ProtocolTCP); protocol != corev1.ProtocolTCP {
			return fmt.Errorf("port %d of service/%s is %s, and the proxy passes on TCP alone", p.Port, s.Name, protocol)
		}
	}
	if IsHeadless(s) {
		return f.addHeadless(s)
	}
	if len(s.Spec.Ports) == 0 {
		return errors.New("service/" + s.Name + " has no port")
	}
	for _, p := range s.Spec.Ports {
		n, err := f.containerPort(s, p)
		if err != nil {
			n = 0 // it leads nowhere, with the proxy as without
		}
		if err := f.listen(p.Port, n, FrontRoute{Listen: p.Port, Service: s.Name, Port: p.Port}); err != nil {
			return err
		}
	}
	return nil
}

// addHeadless listens at the ports that the controller's containers have, since clients of a headless
// Service connect with the pod itself, which may have a name of its own.
func (f *front) addHeadless(s corev1.Service) error {
	if host := f.podName(s); host != "" {
		if f.controller.Replicas > 1 {
			return fmt.Errorf("service/%s is headless and gives each of the %d pods of %s a name of its own, which one proxy cannot have", s.Name, f.controller.Replicas, f.controller)
		}
		f.Names = append(f.Names, QualifiedNames(host+"."+s.Name, s.Namespace)...)
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
		n, err := f.containerPort(s, p)
		if err != nil {
			return err
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if len(numbers) == 0 {
		return fmt.Errorf("service/%s is headless, and neither it nor the containers of %s name a port", s.Name, f.controller)
	}
	for _, n := range numbers {
		if err := f.listen(n, n, FrontRoute{Listen: n, Service: s.Name, Port: n}); err != nil {
			return err
		}
	}
	return nil
}

// podName is the host name that a headless Service gives to a pod of the controller's, empty where it
// gives none.
func (f *front) podName(s corev1.Service) string {
	governs, _, _ := unstructured.NestedString(f.controller.Object.Object, "spec", "serviceName")
	if f.controller.GetKind() == "StatefulSet" && governs == s.Name {
		first, _, _ := unstructured.NestedInt64(f.controller.Object.Object, "spec", "ordinals", "start")
		return fmt.Sprintf("%s-%d", f.controller.GetName(), first)
	}
	if pod := f.controller.Template.Spec; pod.Subdomain == s.Name {
		return pod.Hostname
	}
	return ""
}

// listen takes a port of the proxy's. Two Services may share it where they lead to the same port of
// the controller's.
func (f *front) listen(port, to int32, r FrontRoute) error {
	if had, taken := f.target[port]; taken {
		if had.port != to {
			return fmt.Errorf("port %d leads to port %d by service/%s, and to port %d by service/%s, and one proxy listens on it once", port, had.port, had.service, to, r.Service)
		}
		return nil
	}
	f.target[port] = listener{r.Service, to}
	f.Routes = append(f.Routes, r)
	return nil
}

// containerPort is the number of the container port that a Service's port leads to.
func (f *front) containerPort(s corev1.Service, p corev1.ServicePort) (int32, error) {
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

package trial

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serviceLinks are the variables that a kubelet sets in each container of the workload's pods,
// for the Services of their namespace; empty where the manifests switch that off. They are as
// Docker once made them (pkg/kubelet/envvars/envvars.go).
func (b *TestBed) serviceLinks(ctx context.Context) (map[string]string, error) {
	links := map[string]string{}
	if !linked(b.Subject.Template.Spec) {
		return links, nil
	}
	services, err := b.client().CoreV1().Services(b.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the Services, for which a kubelet sets variables: %w", err)
	}
	for _, s := range services.Items {
		if s.Spec.ClusterIP != "" && s.Spec.ClusterIP != corev1.ClusterIPNone && len(s.Spec.Ports) > 0 {
			maps.Copy(links, linksOf(s))
		}
	}
	return links, nil
}

// linked tells whether a kubelet sets such variables: it does unless it is told not to.
func linked(spec corev1.PodSpec) bool {
	return spec.EnableServiceLinks == nil || *spec.EnableServiceLinks
}

func linksOf(s corev1.Service) map[string]string {
	name := func(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "-", "_")) }
	prefix, ip, first := name(s.Name), s.Spec.ClusterIP, s.Spec.Ports[0]
	url := func(p corev1.ServicePort) string {
		return strings.ToLower(protocol(p)) + "://" + net.JoinHostPort(ip, strconv.Itoa(int(p.Port)))
	}
	out := map[string]string{
		prefix + "_SERVICE_HOST": ip,
		prefix + "_SERVICE_PORT": strconv.Itoa(int(first.Port)),
		prefix + "_PORT":         url(first),
	}
	for _, p := range s.Spec.Ports {
		if p.Name != "" {
			out[prefix+"_SERVICE_PORT_"+name(p.Name)] = strconv.Itoa(int(p.Port))
		}
		each := fmt.Sprintf("%s_PORT_%d_%s", prefix, p.Port, protocol(p))
		out[each] = url(p)
		out[each+"_PROTO"] = strings.ToLower(protocol(p))
		out[each+"_PORT"] = strconv.Itoa(int(p.Port))
		out[each+"_ADDR"] = ip
	}
	return out
}

func protocol(p corev1.ServicePort) string {
	if p.Protocol == "" {
		return string(corev1.ProtocolTCP)
	}
	return string(p.Protocol)
}

// link has the pod's containers get those variables from podproof instead of the kubelet, so
// that the container under test can be without one of them. What is declared takes precedence;
// what comes with a whole ConfigMap or Secret is declared only in the container under test.
func (b *TestBed) link(p *corev1.Pod, links map[string]string, without string) {
	off := false
	p.Spec.EnableServiceLinks = &off
	for _, cs := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range cs {
			if c := &cs[i]; len(c.EnvFrom) == 0 {
				c.Env = append(undeclared(*c, links, c.Name == b.Container, without), c.Env...)
			}
		}
	}
}

func undeclared(c corev1.Container, links map[string]string, underTest bool, without string) []corev1.EnvVar {
	var out []corev1.EnvVar
	for _, name := range slices.Sorted(maps.Keys(links)) {
		declared := slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == name })
		if !declared && !(underTest && name == without) {
			out = append(out, corev1.EnvVar{Name: name, Value: links[name]})
		}
	}
	return out
}

package workload

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// Facts says what the manifests tell a contract.
func Facts(objects []Object, controllers []Controller) ([]contract.WorkloadFacts, error) {
	var out []contract.WorkloadFacts
	for _, r := range controllers {
		spec := r.Template.Spec
		w := contract.WorkloadFacts{Object: r.object(), GraceSeconds: spec.TerminationGracePeriodSeconds, Idle: r.Replicas == 0}
		for _, c := range spec.Containers {
			f := contract.ContainerFacts{Name: c.Name, Image: c.Image,
				Liveness: probe(c.LivenessProbe), Startup: probe(c.StartupProbe), Readiness: probe(c.ReadinessProbe)}
			if p := c.StartupProbe; p != nil {
				f.StartupBudget = time.Duration(p.InitialDelaySeconds)*time.Second + evidence.ProbeBudget(p)
			}
			f.Ports = portsOf(c)
			f.Env, f.EnvElsewhere = variables(objects, c)
			if s := spec.SecurityContext; s != nil {
				f.RunAsUser, f.RunAsGroup = s.RunAsUser, s.RunAsGroup
			}
			if s := c.SecurityContext; s != nil {
				f.RunAsUser, f.RunAsGroup = cmp.Or(s.RunAsUser, f.RunAsUser), cmp.Or(s.RunAsGroup, f.RunAsGroup)
			}
			w.Containers = append(w.Containers, f)
		}
		services, err := Services(objects, r)
		if err != nil {
			return nil, err
		}
		for _, s := range services {
			w.Services = append(w.Services, servicePorts(s)...)
		}
		out = append(out, w)
	}
	return out, nil
}

// variables are the names of those that the manifests set in a container; elsewhere tells that
// it also takes some from what the manifests do not hold, or fill in.
func variables(objects []Object, c corev1.Container) (names []string, elsewhere bool) {
	for _, e := range c.Env {
		names = append(names, e.Name)
	}
	for _, from := range c.EnvFrom {
		kind, name := "Secret", ""
		switch {
		case from.SecretRef != nil:
			name = from.SecretRef.Name
		case from.ConfigMapRef != nil:
			kind, name = "ConfigMap", from.ConfigMapRef.Name
		}
		i := slices.IndexFunc(objects, func(o Object) bool { return o.GetKind() == kind && o.GetName() == name })
		if i < 0 {
			elsewhere = true
			continue
		}
		keys, all := keysOf(objects[i])
		elsewhere = elsewhere || !all
		for _, key := range keys {
			names = append(names, from.Prefix+key)
		}
	}
	return names, elsewhere
}

func servicePorts(s corev1.Service) []contract.ServicePortFact {
	var out []contract.ServicePortFact
	for _, p := range s.Spec.Ports {
		if p.Protocol != "" && p.Protocol != corev1.ProtocolTCP {
			continue
		}
		target := p.TargetPort.String()
		if p.TargetPort == (intstr.IntOrString{}) {
			target = strconv.Itoa(int(p.Port))
		}
		f := contract.ServicePortFact{Service: s.Name, Name: p.Name, Number: int(p.Port), Target: target}
		if p.AppProtocol != nil {
			f.AppProtocol = *p.AppProtocol
		}
		out = append(out, f)
	}
	return out
}

// probe says where a probe asks. A field that a manifest leaves out is Kubernetes' default.
func probe(p *corev1.Probe) *contract.ProbeFact {
	switch {
	case p == nil:
		return nil
	case p.HTTPGet != nil:
		f := &contract.ProbeFact{Protocol: contract.ProtocolHTTP, Path: cmp.Or(p.HTTPGet.Path, "/"), Port: p.HTTPGet.Port.String()}
		if p.HTTPGet.Scheme == corev1.URISchemeHTTPS {
			f.Protocol = contract.ProtocolHTTPS
		}
		for _, h := range p.HTTPGet.HTTPHeaders {
			if f.Header == nil {
				f.Header = map[string]string{}
			}
			f.Header[h.Name] = h.Value
		}
		return f
	case p.GRPC != nil:
		f := &contract.ProbeFact{Protocol: contract.ProtocolGRPC, Port: strconv.Itoa(int(p.GRPC.Port))}
		if p.GRPC.Service != nil {
			f.Service = *p.GRPC.Service
		}
		return f
	case p.TCPSocket != nil:
		return &contract.ProbeFact{Protocol: contract.ProtocolTCP, Port: p.TCPSocket.Port.String()}
	case p.Exec != nil:
		if f := contract.CommandProbe(p.Exec.Command); f != nil {
			return f
		}
	}
	return &contract.ProbeFact{}
}

// ReadinessEndpoint is where the readiness probe of a container asks; it is false where that
// asks nothing over the network.
func ReadinessEndpoint(c corev1.Container) (contract.Endpoint, bool) {
	return probe(c.ReadinessProbe).Endpoint(portsOf(c))
}

func portsOf(c corev1.Container) []contract.PortFact {
	var out []contract.PortFact
	for _, p := range c.Ports {
		out = append(out, contract.PortFact{Name: p.Name, Number: int(p.ContainerPort)})
	}
	return out
}

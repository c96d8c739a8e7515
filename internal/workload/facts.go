package workload

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
)

// Facts says what the manifests tell a contract.
func Facts(runners []Runner) []contract.WorkloadFacts {
	var out []contract.WorkloadFacts
	for _, r := range runners {
		spec := r.Template.Spec
		w := contract.WorkloadFacts{Object: r.object(), GraceSeconds: spec.TerminationGracePeriodSeconds}
		for _, c := range spec.Containers {
			f := contract.ContainerFacts{Name: c.Name, Image: c.Image,
				Liveness: probe(c.LivenessProbe), Startup: probe(c.StartupProbe), Readiness: probe(c.ReadinessProbe)}
			for _, p := range c.Ports {
				f.Ports = append(f.Ports, contract.PortFact{Name: p.Name, Number: int(p.ContainerPort)})
			}
			if s := spec.SecurityContext; s != nil {
				f.RunAsUser, f.RunAsGroup = s.RunAsUser, s.RunAsGroup
			}
			if s := c.SecurityContext; s != nil {
				f.RunAsUser, f.RunAsGroup = cmp.Or(s.RunAsUser, f.RunAsUser), cmp.Or(s.RunAsGroup, f.RunAsGroup)
			}
			w.Containers = append(w.Containers, f)
		}
		out = append(out, w)
	}
	return out
}

func probe(p *corev1.Probe) *contract.ProbeFact {
	if p == nil || p.HTTPGet == nil {
		return nil
	}
	return &contract.ProbeFact{Path: p.HTTPGet.Path, Port: p.HTTPGet.Port.String()}
}

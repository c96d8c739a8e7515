package trial

import (
	"fmt"

	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/workload"
)

// AgentRights are those for the agent's pod, without which no request is sent. It is told over a
// WebSocket, of which the handshake is a GET, and which Kubernetes takes for a creation since 1.35.
func AgentRights() []rights.Rule {
	return []rights.Rule{
		rights.To("", "pods", "create").For("podproof's agent, which sends the requests from inside the cluster"),
		rights.To("", "pods", "get").Of(agentName).For("whether podproof's agent is there, and its address"),
		rights.To("", "pods/exec", "create", "get").Of(agentName).For("telling podproof's agent what to send"),
	}
}

// DependencyRights are those for waiting until the Services of a dependency lead to it.
func DependencyRights(s subject.Subject) (out []rights.Rule) {
	for _, name := range s.Contract.InCluster() {
		for _, service := range dependencyServices(s, name) {
			out = append(out, rights.To("", "services", "get").Of(service).For("the address at which a dependency is reached").
				Or("nobody waits until the Services of a dependency lead to it"))
		}
	}
	return out
}

// ownPods are the rights of a trial for pods of its own, by their names.
func ownPods(names ...string) func(subject.Subject) []rights.Rule {
	return func(s subject.Subject) []rights.Rule {
		out := []rights.Rule{
			rights.To("", "pods", "create").For("pods of the trials' own"),
			rights.To("", "pods", "delete").Of(names...).For("the end of the trials' pods"),
		}
		if len(s.Workload.Template.Spec.InitContainers) > 0 {
			out = append(out, rights.To("", "pods", "patch").Of(names...).For("letting pods go whose init container failed, which are made again"))
		}
		return out
	}
}

// endingPods are those for pods whose end is looked at, which a finalizer holds until then.
func endingPods(names ...string) func(subject.Subject) []rights.Rule {
	return func(s subject.Subject) []rights.Rule {
		return append(ownPods(names...)(s), rights.To("", "pods", "patch").Of(names...).For("letting pods go whose end was looked at"))
	}
}

// looking are those for looking into pods of the trial's own where no node may be touched.
func looking(rules func(subject.Subject) []rights.Rule, names ...string) func(subject.Subject) []rights.Rule {
	return func(s subject.Subject) []rights.Rule {
		return append(rules(s),
			rights.To("", "pods/ephemeralcontainers", "patch").Of(names...).For("looking at processes beside them, where no node may be touched").Or("what only a node tells is not known"),
			rights.To("", "pods/exec", "create", "get").Of(names...).For("asking podproof's own container there").Or("what only a node tells is not known"))
	}
}

// serviceRights are those for the addresses of the workload's Services.
func serviceRights(s subject.Subject) (out []rights.Rule) {
	services, err := workload.Services(s.Objects, s.Workload)
	if err != nil { // it was said when they were read
		return nil
	}
	for _, v := range services {
		out = append(out, rights.To("", "services", "get").Of(v.Name).For("the address at which the workload is asked"))
	}
	return out
}

// outageRights are those of a trial that takes each dependency away from a pod of its own, by a proxy
// of podproof's.
func outageRights(trial string) func(subject.Subject) []rights.Rule {
	return func(s subject.Subject) (out []rights.Rule) {
		for i, d := range s.Contract.Dependencies {
			for _, service := range dependencyServices(s, d.Object) {
				out = append(out, rights.To("", "services", "get").Of(service).For("the address at which a dependency is reached"))
			}
			out = append(out,
				rights.To("", "pods", "create").For("podproof's proxy, which takes a dependency away, and the workload's pod behind it"),
				rights.To("", "pods", "delete").Of(lanePod(trial, i), proxyPod(trial, i)).For("the end of the trials' pods"),
				rights.To("", "pods/exec", "create", "get").Of(proxyPod(trial, i)).For("telling podproof's proxy how a dependency is away"))
		}
		return out
	}
}

// stopInOutage is the name of a pod that is stopped while a dependency is frozen.
const stopInOutage = "stop-in-outage"

// frozenRights are those, and those for a pod that is stopped meanwhile.
func frozenRights(s subject.Subject) []rights.Rule {
	out := outageRights("frozen")(s)
	for i := range s.Contract.Dependencies {
		out = append(out, endingPods(numbered("podproof-"+stopInOutage, i))(s)...)
	}
	return out
}

func dependencyServices(s subject.Subject, name string) (out []string) {
	for _, c := range s.Controllers {
		if c.String() != name {
			continue
		}
		services, err := workload.Services(s.Objects, c)
		if err != nil { // it was said when they were read
			return nil
		}
		for _, v := range services {
			out = append(out, v.Name)
		}
	}
	return out
}

func withoutRights(s subject.Subject) []rights.Rule {
	return variableRights(s, withoutPod, len(s.Contract.Env.Required))
}

func malformedRights(s subject.Subject) []rights.Rule {
	return variableRights(s, malformedPod, len(malformedTrials(s.Contract.Env.Required)))
}

// variableRights are those for starting pods without variables, or with wrong ones. What the
// manifests hold is not read: their Secrets are known.
func variableRights(s subject.Subject, prefix string, pods int) []rights.Rule {
	var names []string
	for i := range pods {
		names = append(names, fmt.Sprintf("%s-%d", prefix, i))
	}
	out := ownPods(names...)(s)
	if linked(s.Workload.Template.Spec) {
		out = append(out, rights.To("", "services", "list").For("the Services for which Kubernetes sets variables"))
	}
	for _, from := range s.Container.EnvFrom {
		kind, name := "Secret", ""
		switch {
		case from.SecretRef != nil:
			name = from.SecretRef.Name
		case from.ConfigMapRef != nil:
			kind, name = "ConfigMap", from.ConfigMapRef.Name
		default:
			continue
		}
		if _, known := workload.Variables(s.Objects, kind, name); !known {
			resource := map[string]string{"Secret": "secrets", "ConfigMap": "configmaps"}[kind]
			out = append(out, rights.To("", resource, "get").Of(name).For("the keys of what the container takes whole, and no manifest holds"))
		}
	}
	return out
}

// rolloutRights are those for a rollout, a scale-down, and what a drain does. Of one pod neither
// of these is tried.
func rolloutRights(s subject.Subject) []rights.Rule {
	out := append(serviceRights(s), rights.To("apps", "deployments", "get", "update").Of(s.Workload.GetName()).For("rolling out under load"))
	if s.Workload.Replicas > 1 {
		out = append(out,
			rights.To("", "pods/eviction", "create").For("removing a pod as the drain of a node does"),
			rights.To("policy", "poddisruptionbudgets", "list").For("which budget forbids that").Or("a budget that forbids it is not named"))
	}
	return out
}

// Needed are the rights for a trial beyond what every run needs. Those for the agent are a step's own.
func (t Trial) Needed(s subject.Subject) []rights.Rule {
	if t.Rights == nil {
		return nil
	}
	return t.Rights(s)
}

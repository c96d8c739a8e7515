package check

import (
	"cmp"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// measured judges the probes by what was measured of the workload, as far as it was, and says
// what to change.
func (j *Judgement) measured(e evidence.Evidence, c corev1.Container) (fix string) {
	for _, p := range []declaredProbe{{"startup", c.StartupProbe}, {"readiness", c.ReadinessProbe}, {"liveness", c.LivenessProbe}} {
		if p.Probe == nil || p.HTTPGet == nil {
			continue
		}
		timeout := max(1, p.TimeoutSeconds)
		for _, r := range e.Responses {
			if !asks(c, *p.HTTPGet, r) || r.Request.End <= float64(timeout) {
				continue
			}
			if crowded(e, r.Request.Start) || crowded(e, r.Request.Ended()) {
				j.note("container "+c.Name, "%s was answered after %s, and its %sProbe gives up after %d s; the node was short of CPU about then", r.Path, seconds(r.Request.End), p.name, timeout)
				continue
			}
			j.broken("container "+c.Name, "its %sProbe gives up after %d s, and %s was answered after %s", p.name, timeout, r.Path, seconds(r.Request.End))
			fix = cmp.Or(fix, fmt.Sprintf("Raise timeoutSeconds of the %sProbe above %s, or let %s answer sooner.", p.name, seconds(r.Request.End), r.Path))
		}
	}
	if took, known := slowestStart(e, c.Name); known && c.StartupProbe != nil {
		if budget := startupBudget(*c.StartupProbe); took > 0.8*budget.Seconds() {
			j.note("container "+c.Name, "a start took %.0f s, and its startupProbe allows %s: little is left for a busy node", took, budget)
		}
	}
	if c.ReadinessProbe != nil && c.LivenessProbe != nil && samePath(*c.ReadinessProbe, *c.LivenessProbe) && followsDatabase(e) {
		j.note("container "+c.Name, "liveness asks the route that readiness asks, which fails without the database: see probes/liveness-survives-outage")
	}
	j.preStop(e, c)
	return fix
}

// asks tells whether a request went where a probe asks. The evidence of an earlier podproof does
// not say to which port.
func asks(c corev1.Container, p corev1.HTTPGetAction, r evidence.Response) bool {
	if r.Method != "GET" || r.Path != cmp.Or(p.Path, "/") || r.Protocol == contract.ProtocolGRPC {
		return false
	}
	for _, named := range c.Ports {
		if r.Port == int(named.ContainerPort) && named.Name == p.Port.StrVal {
			return true
		}
	}
	return r.Port == 0 || r.Port == p.Port.IntValue()
}

// preStop judges the time that a preStop hook takes of the grace period.
func (j *Judgement) preStop(e evidence.Evidence, c corev1.Container) {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil || e.Workload == nil {
		return
	}
	grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if g := e.Workload.Template.Spec.TerminationGracePeriodSeconds; g != nil {
		grace = *g
	}
	if sleep := c.Lifecycle.PreStop.Sleep.Seconds; sleep >= grace {
		j.broken("container "+c.Name, "its preStop sleeps %d s of a grace period of %d s: nothing is left for the process to end", sleep, grace)
	}
}

// startupBudget is how long the startup probe lets a start take.
func startupBudget(p corev1.Probe) time.Duration {
	period, failures := p.PeriodSeconds, p.FailureThreshold
	if period == 0 {
		period = 10
	}
	if failures == 0 {
		failures = 3
	}
	return time.Duration(p.InitialDelaySeconds+period*failures) * time.Second
}

func samePath(a, b corev1.Probe) bool {
	return a.HTTPGet != nil && b.HTTPGet != nil && a.HTTPGet.Path == b.HTTPGet.Path && a.HTTPGet.Port.String() == b.HTTPGet.Port.String()
}

// followsDatabase tells whether a pod was seen to be not Ready without its database.
func followsDatabase(e evidence.Evidence) bool {
	tried, _ := away(contract.Contract{}, e)
	for _, o := range tried {
		if !o.Unready.IsZero() {
			return true
		}
	}
	return false
}

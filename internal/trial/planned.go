package trial

import (
	corev1 "k8s.io/api/core/v1"
)

// AgentPod is podproof's own pod as a run would make it: the agent's, which the proxy's is like.
func (b *TestBed) AgentPod(image string) *corev1.Pod {
	p := b.ownPod(agentName, "agent", image, trialDeadline, "agent", "serve")
	b.Demands.Fit(p)
	return p
}

// TrialPod is a pod under test as the trials that have their own would make it.
func (b *TestBed) TrialPod() *corev1.Pod {
	p := b.trial("podproof-" + b.Trial)
	b.Demands.Fit(p)
	return p
}

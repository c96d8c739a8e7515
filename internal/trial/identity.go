package trial

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Identity reads who the processes of a running container of the workload are: from the
// kernel, and as the container runtime reported it. Where no node may be touched that is a container
// of a pod of its own.
var Identity = Trial{
	ID:       "identity",
	Sections: []evidence.Section{evidence.SectionIdentity},
	Needs:    NeedLook,
	usually:  usually{own: time.Second},
	Rights:   looking(ownPods("podproof-identity"), "podproof-identity"),
	Within:   func(l Limits) time.Duration { return l.Pods(1) },
	Run:      sees(readIdentity, func(e *evidence.Evidence, id *evidence.Identity) { e.Identity = id }),
}

func readIdentity(ctx context.Context, b *TestBed) (*evidence.Identity, error) {
	began := time.Now()
	by := identityOnNode
	if b.Node == nil {
		by = identityBeside
	}
	id, err := by(ctx, b)
	if err != nil {
		return nil, err
	}
	id.Seconds = time.Since(began).Seconds()
	return id, nil
}

func identityOnNode(ctx context.Context, b *TestBed) (*evidence.Identity, error) {
	p, err := b.runningPod()
	if err != nil {
		return nil, err
	}
	processes, err := b.processesBy(ctx, b.Node, p.Spec.NodeName, workload.ContainerID(p, b.Container))
	if err != nil {
		return nil, err
	}
	if len(processes) == 0 {
		return nil, fmt.Errorf("container %s of pod %s had no process when /proc was read", b.Container, p.Name)
	}
	return &evidence.Identity{Pod: p.Name, Container: b.Container, Processes: processes, Reported: b.reported(p)}, nil
}

// identityBeside falls back to what the pod's status says of the first process.
func identityBeside(ctx context.Context, b *TestBed) (*evidence.Identity, error) {
	s, p, err := b.lookAtOwn(ctx)
	defer b.discardOwn(ctx, p)
	if no := (*notAdmitted)(nil); errors.As(err, &no) {
		return &evidence.Identity{Source: evidence.SourceStatus, Unseen: no.why, Pod: p.Name, Container: b.Container, Reported: b.reported(p)}, nil
	}
	if err != nil {
		return nil, err
	}
	// Read again: what it starts besides may have come meanwhile.
	processes, err := b.processesBy(ctx, s, "", s.id)
	if err != nil {
		return nil, err
	}
	if len(processes) == 0 {
		return nil, fmt.Errorf("container %s of pod %s ended while it was looked at", b.Container, p.Name)
	}
	return &evidence.Identity{Source: evidence.SourceEphemeral, Pod: p.Name, Container: b.Container, Processes: processes, Reported: b.reported(p)}, nil
}

// reported is whom the container runtime says that the container was started as.
func (b *TestBed) reported(p *corev1.Pod) *corev1.ContainerUser {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == b.Container {
			return s.User
		}
	}
	return nil
}

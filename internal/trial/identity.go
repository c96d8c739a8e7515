package trial

import (
	"context"
	"fmt"
	"time"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// Identity reads who the processes of a running container of the workload are: from the
// kernel, and as the container runtime reported it.
var Identity = Trial{
	ID:       "identity",
	Sections: []evidence.Section{evidence.SectionIdentity},
	Within:   look,
	Run:      sees(readIdentity, func(e *evidence.Evidence, id *evidence.Identity) { e.Identity = id }),
}

func readIdentity(ctx context.Context, b *TestBed) (*evidence.Identity, error) {
	began := time.Now()
	p, err := b.runningPod()
	if err != nil {
		return nil, err
	}
	processes, err := b.processes(ctx, p.Spec.NodeName, workload.ContainerID(p, b.Container))
	if err != nil {
		return nil, err
	}
	if len(processes) == 0 {
		return nil, fmt.Errorf("container %s of pod %s had no process when /proc was read", b.Container, p.Name)
	}
	id := &evidence.Identity{Pod: p.Name, Container: b.Container, Processes: processes}
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == b.Container {
			id.Reported = s.User
		}
	}
	id.Seconds = time.Since(began).Seconds()
	return id, nil
}

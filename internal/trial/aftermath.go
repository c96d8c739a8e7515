package trial

import (
	"context"
	"slices"
	"time"

	"podproof.dev/podproof/internal/evidence"
)

// Final looks at the workload's own pods once more, when all trials are over: what crashed
// meanwhile, while nobody asked, crashes in production, too.
var Final = Trial{
	ID:       "final",
	Sections: []evidence.Section{evidence.SectionFinal},
	usually:  usually{own: time.Second},
	Last:     true,
	Within:   look,
	Run:      sees(lookAgain, func(e *evidence.Evidence, f *evidence.Final) { e.Final = f }),
}

func lookAgain(_ context.Context, b *TestBed) (*evidence.Final, error) {
	f := &evidence.Final{At: time.Now()}
	for _, uid := range b.Observer.UIDs(podsOf(b.Subject)) {
		p := b.Observer.Evidence(uid, b.Container)
		p.Log = lastOf(p, b.Container)
		f.Pods = append(f.Pods, p)
	}
	return f, nil
}

// finalLines are kept of the log that leads to the end of a container.
const finalLines = 20

// lastOf are the lines that a container wrote before it last ended and was started again, none
// where it did not.
func lastOf(p evidence.Pod, container string) []evidence.LogLine {
	for _, s := range p.Status.ContainerStatuses {
		t := s.LastTerminationState.Terminated
		if t == nil {
			t = s.State.Terminated
		}
		if s.Name != container || t == nil {
			continue
		}
		// A kubelet's time is cut to whole seconds.
		lines := slices.DeleteFunc(slices.Clone(p.Log), func(l evidence.LogLine) bool { return l.At.After(t.FinishedAt.Add(time.Second)) })
		return lines[max(0, len(lines)-finalLines):]
	}
	return nil
}

package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// measuredFor is how long the idle and the loaded container are each measured.
	measuredFor = 2 * time.Second
	// loadedEvery is the time between two requests of a stream, in milliseconds.
	loadedEvery = 10
	// mostWrites are listed, and mostUnread of the folders that cannot be read.
	mostWrites = 50
	mostUnread = 5
)

// Resources measures one container of the workload, idle and then under a light load that
// the agent sends it, and lists what it wrote outside of its volumes.
var Resources = Trial{
	ID:       "resources",
	Sections: []evidence.Section{evidence.SectionResources},
	Needs:    NeedReady | NeedAgent | NeedLook,
	usually:  usually{own: 8 * time.Second},
	Rights:   looking(ownPods("podproof-resources"), "podproof-resources"),
	Behind:   []string{Responses.ID},
	Within:   func(l Limits) time.Duration { return l.Pods(1) },
	Run:      sees(measure, func(e *evidence.Evidence, r *evidence.Resources) { e.Resources = r }),
}

func measure(ctx context.Context, b *TestBed) (*evidence.Resources, error) {
	began := time.Now()
	m, p, err := b.measurable(ctx)
	if b.Node == nil {
		defer b.discardOwn(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	r := &evidence.Resources{Pod: p.Name, Source: m.source}
	err = b.use(ctx, m, r, p)
	if r.Ended = b.endedMeanwhile(ctx, p, err); r.Ended != nil {
		err = nil
	}
	r.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	return r, nil
}

// measurable is a pod whose container is measured: one of the workload's by its node, or a pod of
// the trial's own from beside.
func (b *TestBed) measurable(ctx context.Context) (*meter, *corev1.Pod, error) {
	if b.Node == nil {
		s, p, err := b.lookAtOwn(ctx)
		if err == nil && !workload.IsReady(p) {
			err = fmt.Errorf("the trial's own pod did not become Ready: %s", workload.Summary(p))
		}
		if err != nil {
			return nil, p, err
		}
		return &meter{TestBed: b, by: s, container: s.id, source: evidence.SourceEphemeral}, p, nil
	}
	p, err := b.readyPod()
	if err != nil {
		return nil, nil, err
	}
	return &meter{TestBed: b, by: b.Node, node: p.Spec.NodeName, container: workload.ContainerID(p, b.Container)}, p, nil
}

// toldWithin is how long the kubelet may take to tell that a container has ended.
const toldWithin = 10 * time.Second

// endedMeanwhile is how the pod's container has ended since, nil when it has not. It is
// waited for where there is reason to think so.
func (b *TestBed) endedMeanwhile(ctx context.Context, p *corev1.Pod, reason error) *corev1.ContainerStateTerminated {
	before := workload.Restarts(p, b.Container)
	var last *corev1.ContainerStateTerminated
	wait := time.Duration(0)
	if reason != nil {
		wait = toldWithin
	}
	_ = b.within(ctx, wait, string(p.UID), func(o *workload.Observed) (bool, string) {
		last = workload.Terminated(o.Pod, b.Container)
		if last == nil && workload.Restarts(o.Pod, b.Container) > before {
			last = workload.LastTerminated(o.Pod, b.Container)
		}
		return last != nil, workload.Summary(o.Pod)
	})
	return last
}

// use measures a pod's container.
func (b *TestBed) use(ctx context.Context, m *meter, r *evidence.Resources, p *corev1.Pod) (err error) {
	defer func() { r.Summed = m.summed }()
	if r.Idle, err = m.measure(ctx); err != nil {
		return err
	}
	if b.Asked.Load.Port == 0 { // it serves nobody, who could be a load
		return m.writes(ctx, r)
	}
	err = b.useLoaded(ctx, m, r, p.Status.PodIP)
	if errors.Is(err, errUnserved) {
		r.Unserved, err = err.Error(), nil
	}
	if err != nil {
		return err
	}
	return m.writes(ctx, r)
}

// useLoaded measures it under a light load, which is answered with success.
func (b *TestBed) useLoaded(ctx context.Context, m *meter, r *evidence.Resources, ip string) error {
	load, err := b.StartLoad(ctx, agent.Plan{Streams: steady(stream(evidence.StreamNew, b.Asked.Load, at(ip, b.Asked.Load)), loadedEvery)})
	if err != nil {
		return err
	}
	defer load.cancel()
	if err := load.Begin(ctx, func(_ int, rs []evidence.Request) bool { return len(streamsOf(rs)) == 2 }); err != nil {
		return err
	}
	began := time.Now()
	loaded, err := m.measure(ctx)
	if err != nil {
		return err
	}
	requests, err := load.Stop(ctx)
	if err != nil {
		return err
	}
	for _, q := range requests {
		if served(q) && q.Ended().After(began) {
			r.Requests++
		}
	}
	r.Loaded = loaded
	return nil
}

// meter reads the control group of a container, on its node or from beside it.
type meter struct {
	*TestBed
	by                      Node
	node, container, source string
	summed                  bool // no control group was in sight
}

// where says from where, for a sentence.
func (m *meter) where() string {
	if m.node == "" {
		return "the sight of podproof's own container beside it"
	}
	return "node " + m.node
}

// measure is the use in a window of time.
func (m *meter) measure(ctx context.Context) (evidence.Usage, error) {
	before, err := m.read(ctx)
	if err != nil {
		return evidence.Usage{}, err
	}
	began := time.Now()
	select {
	case <-time.After(measuredFor):
	case <-ctx.Done():
		return evidence.Usage{}, context.Cause(ctx)
	}
	after, err := m.read(ctx)
	if err != nil {
		return evidence.Usage{}, err
	}
	window := time.Since(began).Seconds()
	return evidence.Usage{Memory: max(0, after[0]-after[1]), CPU: float64(after[2]-before[2]) / 1e6 / window,
		Throttled: float64(after[3]-before[3]) / 1e6, Window: window}, nil
}

func (m *meter) read(ctx context.Context) ([]int64, error) {
	out, err := m.by.Run(ctx, m.node, "usage", m.container)
	if err != nil {
		return nil, fmt.Errorf("reading the container's control group: %w", err)
	}
	if gone(out) {
		return nil, fmt.Errorf("container %s was gone from %s when podproof measured it", m.Container, m.where())
	}
	figures, summed := strings.CutSuffix(strings.TrimSpace(string(out)), "\nsummed")
	m.summed = m.summed || summed
	return parseUsage(figures)
}

func parseUsage(out string) ([]int64, error) {
	words := strings.Fields(out)
	if len(words) != 4 {
		return nil, fmt.Errorf("the container's control group says %q, expected four numbers", brief(out))
	}
	var ns []int64
	for _, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the container's control group says %q, expected four numbers", brief(out))
		}
		ns = append(ns, n)
	}
	return ns, nil
}

func brief(s string) string { return s[:min(len(s), 200)] }

// writes lists what the container wrote. That the container is gone is an error.
func (m *meter) writes(ctx context.Context, r *evidence.Resources) error {
	out, err := m.by.Run(ctx, m.node, "writes", m.container)
	if err != nil {
		r.WritesUnknown = "the container's root file system shows no upper directory on the node (another snapshotter than overlayfs?)"
		if m.source != "" {
			r.WritesUnknown = "what it wrote could not be seen from beside it: " + m.Redact(err.Error())
		}
		return nil
	}
	if gone(out) {
		return fmt.Errorf("container %s was gone from %s when podproof looked for what it wrote", m.Container, m.where())
	}
	var unread []string
	r.Writes, r.Further, unread = parseWrites(string(out))
	if len(unread) > 0 && len(r.Writes) == 0 {
		r.WritesUnknown = fmt.Sprintf("it may write into %s, which podproof cannot read from beside it", strings.Join(unread[:min(len(unread), mostUnread)], ", "))
	}
	return nil
}

// gone tells whether the agent found no process of the container.
func gone(out []byte) bool { return strings.TrimSpace(string(out)) == "gone" }

// unescape reads a path as mountinfo writes it (proc_pid_mountinfo(5)).
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`)

// parseWrites leaves out what is a mount point: where the image has no file there, the runtime
// makes an empty one to mount on. Unread are folders that were not to be seen.
func parseWrites(out string) (ws []evidence.Write, further int, unread []string) {
	mounted := map[string]bool{}
	for line := range strings.Lines(out) {
		size, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if size == "mount" {
			mounted[unescape.Replace(path)] = true
			continue
		}
		if size == "unread" {
			unread = append(unread, path)
			continue
		}
		n, err := strconv.ParseInt(size, 10, 64)
		if ok && err == nil && !mounted[path] {
			ws = append(ws, evidence.Write{Path: path, Bytes: n})
		}
	}
	if len(ws) > mostWrites {
		slices.SortStableFunc(ws, func(a, b evidence.Write) int { return int(min(1, max(-1, b.Bytes-a.Bytes))) })
		further = len(ws) - mostWrites
		ws = ws[:mostWrites]
	}
	return ws, further, unread
}

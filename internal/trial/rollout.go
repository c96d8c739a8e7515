package trial

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// rolloutEvery is the time between two requests of a stream, in milliseconds: often
	// enough to hit a gap of a tenth of a second, and no load to speak of.
	rolloutEvery = 20
	// keptConnections are held open side by side for each pod: kube-proxy spreads them by
	// chance, and of so many there is mostly one to each.
	keptConnections = 4
	// spreadConnections are held open for each pod where no node tells which one each leads to: that
	// one of three pods has none of them then happens once in five thousand times.
	spreadConnections = 8
	// afterwards is how long the load goes on after a rollout: an endpoint that is gone may
	// still be in use somewhere.
	afterwards = 500 * time.Millisecond
	// triedSleep is the preStop sleep that is tried where a restart loses requests, in
	// seconds: what is commonly recommended, and ample for kube-proxy.
	triedSleep = 5
)

// disturbance is one way in which pods go.
type disturbance struct {
	kind string
	// do is given the UIDs of the pods that live.
	do func(ctx context.Context, uids []string) error
	// leave is how many of them have to go, and stay how many must be Ready in the end.
	leave, stay int
	sleep       int64
	// from is how many there have to be before, where that is more than the workload's replicas.
	from int
}

// Rollouts restarts the workload's Deployment, evicts one of its pods, and scales it down
// to one, each under load through its Service; the last two where it has several. What first
// lost requests is repeated on pods with a preStop sleep, to learn whether that would have
// been enough. What the cluster itself has spoilt is tried once more.
var Rollouts = Trial{
	ID:       "rollouts",
	Sections: []evidence.Section{evidence.SectionRollouts},
	Doing:    "Rolling out under load", Done: "Rolled out under load",
	Needs: NeedReady | NeedAgent | NeedServing,
	// Those that look at the pods which it replaces, and those that start a crowd of pods. While a
	// node is busy with these, kube-proxy is seconds late, and requests are lost that no other
	// cluster would lose.
	Behind:  []string{Health.ID, Identity.ID, Responses.ID, Resources.ID, RequiredEnv.ID, MalformedEnv.ID},
	Within:  func(l Limits) time.Duration { return l.Pods(2*max(l.Replicas, 2) + 2) },
	usually: usually{own: 17 * time.Second, starts: 2},
	Rights:  rolloutRights,
	Run: func(ctx context.Context, b *TestBed) (Seen, error) {
		rs, err := rollOut(ctx, b)
		return func(e *evidence.Evidence) { e.Rollouts = wholeRollouts(ctx, rs) }, err
	},
	Parts: true, Watches: true,
}

// wholeRollouts leaves out the one that was under way when the context ended: its requests
// are counted last.
func wholeRollouts(ctx context.Context, all []evidence.Rollout) []evidence.Rollout {
	if ctx.Err() == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(o evidence.Rollout) bool { return len(o.Requests) == 0 })
}

// awaitRoom waits, where a quota bounds the namespace, until other trials' pods are gone: a ReplicaSet whose
// new pods are refused waits longer each time. That they are not gone in time is no error.
func (b *TestBed) awaitRoom(ctx context.Context) error {
	if !b.Demands.Bounded() {
		return nil
	}
	return b.Observer.Within(ctx, roomWithin, b.ends, func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if p.Gone.IsZero() {
				return false, "the end of pod " + p.Pod.Name + ", which takes room in the quota", nil
			}
		}
		return true, "", nil
	})
}

func rollOut(ctx context.Context, b *TestBed) ([]evidence.Rollout, error) {
	if kind := b.Subject.GetKind(); kind != "Deployment" {
		return nil, fmt.Errorf("%s is not a Deployment, whose rolling update is what is tried", b.Subject)
	}
	address, err := b.serviceAddress(ctx, b.Services, b.Asked.Load.Port)
	if err != nil {
		return nil, err
	}
	from, err := b.agentAddress(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.awaitRoom(ctx); err != nil {
		return nil, err
	}
	n := int(b.Subject.Replicas)
	kept := keptConnections
	if b.Node == nil {
		kept = spreadConnections
	}
	r := &roller{TestBed: b, plan: rolloutPlan(stream(evidence.StreamNew, b.Asked.Load, address), n, kept), within: b.Patience, from: from, sticky: slices.ContainsFunc(b.Services, isSticky)}
	tries := []disturbance{{kind: evidence.RolloutRestart, do: r.restart, leave: n, stay: n}}
	if n > 1 {
		tries = append(tries, disturbance{kind: evidence.RolloutEviction, do: r.evict, leave: 1, stay: n}, r.scalingDown(n))
	}
	var out []evidence.Rollout
	var worst *disturbance // the first that lost requests
	for _, d := range tries {
		if d.from > n {
			if err := r.restore(ctx, d.from); err != nil {
				return out, err
			}
		}
		for again := false; ; again = true {
			o, err := r.try(ctx, d)
			if !o.Began.IsZero() {
				out = append(out, o)
			}
			if err != nil {
				return out, err
			}
			if !o.Finished && o.Problem == "" {
				return out, fmt.Errorf("the %s was not over after %.0f s, and nothing more was tried on its pods", o.Kind, o.Seconds)
			}
			overtaken := check.Overtaken(o)
			if worst == nil && lost(o) && !overtaken {
				worst = &d
			}
			if again || !overtaken {
				break
			}
			if err := r.restore(ctx, max(n, d.from)); err != nil {
				return out, err
			}
		}
	}
	if worst == nil || r.hasPreStop() {
		return out, nil
	}
	if err := r.letSleep(ctx, max(n, worst.from)); err != nil {
		return out, err
	}
	worst.sleep = triedSleep
	o, err := r.try(ctx, *worst)
	return append(out, o), err
}

// rolloutPlan sends as many requests over kept connections, so many for each pod, as over new ones.
func rolloutPlan(asked agent.Stream, replicas, each int) agent.Plan {
	both := steady(asked, rolloutEvery)
	kept, n := both[1], each*max(replicas, 2)
	kept.Every *= n
	return agent.Plan{Streams: append(both[:1], slices.Repeat([]agent.Stream{kept}, n)...)}
}

// lost tells whether a sleep is worth a try: an answer failed, or was worse than before, and a pod
// was there to serve while another slept.
func lost(o evidence.Rollout) bool {
	return o.Strategy != string(appsv1.RecreateDeploymentStrategyType) && slices.ContainsFunc(o.Requests, func(r evidence.Request) bool {
		before := o.Before[r.Stream]
		return r.Failure != "" || r.Status >= 500 || before != 0 && r.Status/100 > before/100
	})
}

// connections counts those that have carried an answer: of the kept ones, and one new one.
func connections(rs []evidence.Request) int {
	n, fresh := 0, 0
	for _, r := range rs {
		switch {
		case r.Failure != "":
		case r.Stream == evidence.StreamNew:
			fresh = 1
		case !r.Reused:
			n++
		}
	}
	return n + fresh
}

type roller struct {
	*TestBed
	plan   agent.Plan
	within time.Duration // that a pod may take to become Ready
	from   string        // the agent's address, as /proc/net/tcp has it
	sticky bool          // the Service sends all that the agent asks to one pod
}

// try disturbs the workload under load, and waits until the pods that had to go are gone
// and as many as should stay are Ready.
func (r *roller) try(ctx context.Context, d disturbance) (evidence.Rollout, error) {
	before := r.living()
	o := evidence.Rollout{Kind: d.kind, Replicas: int32(len(before)), PreStopSleep: d.sleep}
	limit, err := r.bound(ctx, d, &o)
	if err != nil {
		return o, err
	}
	// What is lost from here on is the rollout's doing.
	load, unreached, err := r.reach(ctx, before)
	if err != nil {
		return o, err
	}
	defer load.cancel()
	o.Unreached = unreached
	if r.Node == nil {
		if _, seen := r.unreachedBySockets(ctx, before); !seen {
			o.Spread = spreadConnections
		}
	}
	o.Began = time.Now()
	if err := d.do(ctx, before); err != nil {
		o.Problem = err.Error()
		var refused *evictionRefused
		if errors.As(err, &refused) {
			o.Budget = refused.budget
		}
	} else if err := r.settle(ctx, before, d, limit, &o); err != nil {
		return o, err
	}
	o.Seconds = time.Since(o.Began).Seconds()
	select {
	case <-time.After(afterwards):
	case <-ctx.Done():
		return o, context.Cause(ctx)
	}
	all, err := load.Stop(ctx)
	if err != nil {
		return o, err
	}
	o.Before = ordinary(o.Began, all)
	o.Requests = since(o.Began, all)
	o.Endpoints = r.Observer.Endpoints(o.Began)
	for _, uid := range before {
		if p := r.Observer.Evidence(uid, r.Container); r.ended(p) {
			p.Log, p.OtherLogs = nil, nil
			o.Ended = append(o.Ended, p)
		}
	}
	return o, nil
}

// ordinary is what most of a stream's answers were before a rollout began, by stream.
func ordinary(began time.Time, rs []evidence.Request) map[string]int {
	n := map[string]map[int]int{}
	out := map[string]int{}
	for _, r := range rs {
		if r.Failure != "" || !r.Ended().Before(began) {
			continue
		}
		if n[r.Stream] == nil {
			n[r.Stream] = map[int]int{}
		}
		if n[r.Stream][r.Status]++; n[r.Stream][r.Status] > n[r.Stream][out[r.Stream]] {
			out[r.Stream] = r.Status
		}
	}
	return out
}

// since leaves out the requests that are not a rollout's to lose: they were over before it
// began, or had found no pod by then.
func since(began time.Time, rs []evidence.Request) []evidence.Request {
	return slices.DeleteFunc(rs, func(r evidence.Request) bool {
		return r.Ended().Before(began) || r.Start.Before(began) && r.Connected == 0
	})
}

func (r *roller) ended(p evidence.Pod) bool {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == r.Container && s.State.Terminated != nil {
			return true
		}
	}
	return false
}

// living are the UIDs of the workload's pods that are there.
func (r *roller) living() []string {
	var out []string
	for _, p := range r.Observer.Pods(podsOf(r.Subject)) {
		if p.DeletionTimestamp == nil {
			out = append(out, string(p.UID))
		}
	}
	return out
}

package trial

import (
	"context"
	"errors"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// errBypassed is a workload whose connections podproof's proxy does not see.
var errBypassed = errors.New("the workload was Ready with no connection through podproof's proxy: it does not call the dependency by a name of its Services, resolves names by itself, or connects only later")

// lane is a pod of the workload's beside the others, to which podproof's proxy stands in for one
// dependency. The dependency itself goes on, and nobody else is disturbed.
type lane struct {
	*proxied
	pod string // its name
	uid string // once it is there
	out *evidence.Outages
}

// byProxy takes a dependency away from a pod of the trial's own.
func (b *TestBed) byProxy(ctx context.Context, i int, d Taken, s OutageSpec) (OutageResult, error) {
	own := *b
	var err error
	if own.Subject.Template.Spec, err = workload.ImpatientPod(b.Subject.Template.Spec); err != nil {
		return OutageResult{}, err
	}
	own.suffix = numbered("", i)
	l := &lane{proxied: &proxied{TestBed: &own, taken: d, name: proxyPod(b.Trial, i)}, pod: lanePod(b.Trial, i)}
	o := &outager{TestBed: &own, OutageSpec: s, setting: l, proxy: l.proxied, optional: d.Optional, out: outagesOf(d),
		mayBypass: d.Controller != nil && b.Node != nil && b.Elsewhere != nil}
	o.own = func(p *corev1.Pod) bool { return l.uid != "" && string(p.UID) == l.uid }
	l.own, l.out = o.own, o.out.Outages
	defer l.end(ctx)
	return o.outages(ctx)
}

// proxyPod is the pod of podproof's proxy for a trial and the dependency with an index, lanePod that
// of the workload behind it.
func proxyPod(trial string, i int) string { return numbered(proxyName+"-"+trial, i) }
func lanePod(trial string, i int) string  { return numbered("podproof-"+trial, i) }

// end removes its pods, whatever has become of the run.
func (l *lane) end(ctx context.Context) {
	l.line.close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), laneEnds)
	defer cancel()
	if l.uid != "" {
		_ = l.remove(ctx, l.pod) // the end of their namespace takes what stays
	}
	if l.proxied.pod != nil {
		_ = l.remove(ctx, l.name)
	}
}

// laneEnds bounds the requests with which its pods are removed, also after Ctrl-C.
const laneEnds = 5 * time.Second

// prepare makes the proxy, which passes on what comes unless the workload is started without the
// dependency: then it refuses, as where nobody listens yet.
func (l *lane) prepare(ctx context.Context, without bool) error {
	if err := l.proxied.begin(ctx); err != nil {
		return err
	}
	if err := l.running(ctx); err != nil {
		return err
	}
	if without {
		return nil
	}
	return l.bringUp(ctx)
}

// begin makes the workload's pod, in whose hosts file the proxy has the dependency's names. It is
// started again where it ends, as a controller's is.
func (l *lane) begin(ctx context.Context) error {
	p := l.trial(l.pod)
	lives := int64(proxyLives.Seconds())
	p.Spec.RestartPolicy, p.Spec.ActiveDeadlineSeconds = corev1.RestartPolicyAlways, &lives
	made, err := l.create(ctx, p)
	if err != nil {
		return err
	}
	l.uid = string(made.UID)
	return nil
}

// bringUp has the proxy pass on what comes. A host outside of the cluster that is not reached from in
// there stays away.
func (l *lane) bringUp(ctx context.Context) error {
	err := l.open(ctx)
	if err != nil && ctx.Err() == nil && l.taken.Controller == nil {
		l.out.Unreachable = err.Error()
		return nil
	}
	return err
}

// ways are those that the proxy knows; of what is not reached those alone that pass on nothing.
func (l *lane) ways(patience time.Duration) map[string]away {
	ways := l.proxied.ways(patience)
	if l.out.Unreachable == "" {
		return ways
	}
	out := map[string]away{}
	for _, kind := range []string{evidence.OutageRefused, evidence.OutageFrozen} {
		w := ways[kind]
		w.heal = l.count
		out[kind] = w
	}
	return out
}

func (l *lane) there(ctx context.Context) error {
	if l.taken.Controller == nil {
		return nil
	}
	return l.awaitReady(ctx, *l.taken.Controller, dependencyWithin)
}

// through is what leads a trial's pods to podproof's proxy.
type through struct {
	aliases []corev1.HostAlias
	// links are the variables that a kubelet sets for the dependency's Services.
	links map[string]string
}

// lead has a pod reach the dependency through the proxy.
func (t *through) lead(p *corev1.Pod) {
	if t == nil {
		return
	}
	p.Spec.HostAliases = append(p.Spec.HostAliases, t.aliases...)
	if !linked(p.Spec) {
		return
	}
	for _, cs := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range cs {
			if c := &cs[i]; len(c.EnvFrom) == 0 { // what comes whole takes precedence over a kubelet's, and not over this
				c.Env = append(undeclared(*c, t.links, false, ""), c.Env...)
			}
		}
	}
}

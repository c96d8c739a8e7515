package trial

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/agent/proxy"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// proxyName begins the names of the pods of podproof's proxy.
	proxyName = "podproof-proxy"
	// restartTakes is for how long a dependency refuses that restarts.
	restartTakes = time.Second
	// justHad is how long ago a connection may have ended that a workload is said to have had: as
	// long as a kernel remembers one (TCP_TIMEWAIT_LEN in include/net/tcp.h).
	justHad = time.Minute
	// proxyLives ends a proxy that nobody removed any more.
	proxyLives = 6 * trialDeadline
	// proxyAnswers bounds what the proxy is told, beside the time that it is told.
	proxyAnswers = 30 * time.Second
	// hostReached is how long a host outside of the cluster may take to accept a connection.
	hostReached = 10 * time.Second
	// awaits is how long the proxy is asked at a time to wait for a connection: the pod may be another
	// one by then.
	awaits = 5 * time.Second
)

// proxied is a dependency that podproof's proxy stands in for. It goes away for whoever comes through
// the proxy, while its own processes go on.
type proxied struct {
	*TestBed
	taken Taken
	name  string // of the proxy's pod
	pod   *corev1.Pod
	line  faultLine
	// services have an address of their own, in front of the dependency.
	services []corev1.Service
	// own matches the workload's pods that come through it.
	own func(*corev1.Pod) bool
	// passage is what is counted of the outage under way, since its beginning and since it holds.
	passage     *evidence.Passage
	began, held proxy.State
}

// begin makes the proxy's pod, which refuses at first.
func (p *proxied) begin(ctx context.Context) error {
	args := []string{"agent", "proxy"}
	for _, r := range p.taken.Front.Routes {
		host := r.Host
		if r.Service != "" {
			s, err := p.client().CoreV1().Services(p.Namespace).Get(ctx, r.Service, metav1.GetOptions{})
			if err != nil {
				return fmt.Errorf("reading the address of service/%s: %w", r.Service, err)
			}
			switch host = s.Spec.ClusterIP; {
			case workload.IsHeadless(*s):
				host = s.Name + "." + s.Namespace + ".svc"
			case len(s.Spec.Ports) > 0:
				p.services = append(p.services, *s)
			}
		}
		args = append(args, r.Address(host))
	}
	pod := p.ownPod(p.name, "proxy", p.ProxyImage, proxyLives, args...)
	if p.taken.Front.Privileged() { // the Pod Security level "restricted" allows this one
		pod.Spec.SecurityContext.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}
	}
	var err error
	p.pod, err = p.create(ctx, pod)
	return err
}

// running waits until the proxy runs and listens to what it is told, and leads trials' pods to it.
func (p *proxied) running(ctx context.Context) error {
	if err := p.runs(ctx, p.pod, "podproof's proxy", fmt.Sprintf("which takes %s away", p.taken.Name)); err != nil {
		return err
	}
	if err := p.addressed(ctx); err != nil {
		return err
	}
	_, err := p.tell(ctx, "state")
	return err
}

// addressed waits for the address of the proxy's pod, which is told at the latest when it runs.
func (p *proxied) addressed(ctx context.Context) error {
	err := p.within(ctx, startWithin, string(p.pod.UID), func(o *workload.Observed) (bool, string) {
		if o.Pod.Status.PodIP == "" {
			return false, workload.Summary(o.Pod)
		}
		ips := o.Pod.Status.PodIPs
		if len(ips) == 0 {
			ips = []corev1.PodIP{{IP: o.Pod.Status.PodIP}}
		}
		p.through = &through{p.taken.Front.Aliases(ips), map[string]string{}}
		for _, s := range p.services {
			s.Spec.ClusterIP = ips[0].IP
			maps.Copy(p.through.links, linksOf(s))
		}
		return true, ""
	})
	if err == nil && p.through == nil {
		err = fmt.Errorf("podproof's proxy, which takes %s away, got no address within %s", p.taken.Name, startWithin)
	}
	return err
}

// open lets pass what comes, once the proxy reaches the dependency.
func (p *proxied) open(ctx context.Context) error {
	within := proxyAnswers
	if p.taken.Controller == nil {
		within = hostReached
	}
	_, err := p.tell(ctx, "reach", within.String())
	if err == nil {
		_, err = p.become(ctx, proxy.Pass)
	}
	return err
}

// tell has the proxy do something, and returns its state.
func (p *proxied) tell(ctx context.Context, words ...string) (s proxy.State, err error) {
	limit := proxyAnswers
	for _, w := range words[1:] {
		if d, err := time.ParseDuration(w); err == nil {
			limit += d
		}
	}
	bounded, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it has not answered within %s", limit))
	defer cancel()
	if p.proxy != nil {
		s, err = p.proxy(bounded, words...)
	} else {
		s, err = p.line.tell(bounded, p, words)
	}
	if err != nil {
		if bounded.Err() != nil {
			err = context.Cause(bounded)
		}
		return s, fmt.Errorf("telling podproof's proxy %q: %w%s", strings.Join(words, " "), err, p.gone())
	}
	return s, nil
}

// gone says that the proxy's pod has ended, and its last words; it is empty where it has not.
func (p *proxied) gone() string {
	if p.pod == nil {
		return ""
	}
	for _, pod := range p.Observer.Pods(ofUID(string(p.pod.UID))) {
		if hasEnded(pod) {
			return "; its pod has ended: " + workload.Summary(pod) + p.lastSaid(p.pod)
		}
	}
	return ""
}

// become has the proxy behave in a way, and sees that it does.
func (p *proxied) become(ctx context.Context, mode string, times ...time.Duration) (proxy.State, error) {
	words := []string{mode}
	for _, d := range times {
		words = append(words, d.String())
	}
	s, err := p.tell(ctx, words...)
	want := mode
	if mode == proxy.Disconnected || mode == proxy.Restarted {
		want = proxy.Pass
	}
	if err == nil && s.Fault.Mode != want {
		err = fmt.Errorf("podproof's proxy was told %q, and is at %q", mode, s.Fault.Mode)
	}
	return s, err
}

// ways are those in which the proxy takes the dependency away, by the kind of outage.
func (p *proxied) ways(patience time.Duration) map[string]away {
	fault := func(mode string, times ...time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return p.fault(ctx, mode, times...) }
	}
	return map[string]away{
		evidence.OutageDisconnected: {fault: p.disconnect},
		evidence.OutageRestarted:    {fault: fault(proxy.Restarted, restartTakes)},
		evidence.OutageRefused:      {fault: fault(proxy.Refused), heal: p.heal, noticed: true},
		evidence.OutageFrozen:       {fault: fault(proxy.Frozen), heal: p.heal, lasts: patience, noticed: true, stops: true},
		evidence.OutageSlow200ms:    {fault: fault(proxy.Slow, 200*time.Millisecond), heal: p.heal, lasts: slowFor},
		evidence.OutageSlow2s:       {fault: fault(proxy.Slow, 2*time.Second), heal: p.heal, lasts: patience},
	}
}

// start begins to count an outage.
func (p *proxied) start(ctx context.Context) (err error) {
	p.began, err = p.tell(ctx, "state")
	p.passage = &evidence.Passage{Before: p.clients(p.began, nil)}
	return err
}

func (p *proxied) fault(ctx context.Context, mode string, times ...time.Duration) (err error) {
	p.held, err = p.become(ctx, mode, times...)
	p.passage.Ended = p.held.Ended - p.began.Ended
	return err
}

// disconnect ends every connection, while the dependency goes on. A workload that makes one for each
// query has none to be ended.
func (p *proxied) disconnect(ctx context.Context) error {
	err := p.fault(ctx, proxy.Disconnected)
	own := p.workloads()
	had := slices.ContainsFunc(p.passage.Before, func(c evidence.Client) bool { return c.Pod == "" || slices.Contains(own, c.Address) })
	if err == nil && (p.passage.Ended == 0 || !had) {
		return fmt.Errorf("%s %w: the workload had no connection to it open", p.taken.Name, errUnfit)
	}
	return err
}

// heal gives the dependency back, and counts what came of its being away.
func (p *proxied) heal(ctx context.Context) error {
	s, err := p.become(ctx, proxy.Pass)
	if err == nil {
		p.counted(s)
	}
	return err
}

// count counts what came of its being away, and leaves it so.
func (p *proxied) count(ctx context.Context) error {
	s, err := p.tell(ctx, "state")
	if err == nil {
		p.counted(s)
	}
	return err
}

func (p *proxied) counted(s proxy.State) {
	p.passage.During = p.clients(s, &p.held)
	if p.held.Fault.Mode == proxy.Refused && p.held.Resets >= 0 {
		p.passage.Resets = s.Resets - p.held.Resets
	}
	p.held = s // what the dependency does not accept from now on is its own fault
}

// over counts what an outage has left. That the dependency itself did not accept what the proxy passed
// on is an error: what was seen then is not of this outage.
func (p *proxied) over(ctx context.Context) (*evidence.Passage, error) {
	s, err := p.tell(ctx, "state")
	if err != nil {
		return p.passage, err
	}
	p.passage.After = p.clients(s, nil)
	if n := s.Unreached - p.held.Unreached; n > 0 {
		return p.passage, fmt.Errorf("%s itself did not accept %d connections that podproof's proxy passed on: %s", p.taken.Name, n, s.Why)
	}
	return p.passage, nil
}

// clients are those of a state with a connection, or with what they did since an earlier one.
func (p *proxied) clients(s proxy.State, since *proxy.State) (out []evidence.Client) {
	pods := p.addresses()
	for _, c := range s.Clients {
		one := evidence.Client{Address: c.Address, Pod: pods[c.Address], Open: c.Joined}
		if since != nil {
			was := proxy.Client{}
			for _, x := range since.Clients {
				if x.Address == c.Address {
					was = x
				}
			}
			one.Accepted, one.Sent, one.Received = c.Accepted-was.Accepted, c.Sent-was.Sent, c.Received-was.Received
		}
		if one.Open+one.Accepted > 0 || one.Sent+one.Received > 0 {
			out = append(out, one)
		}
	}
	return out
}

// addresses are those of the namespace's pods, and whose they are. A workload's pod comes after others
// that had its address before.
func (p *proxied) addresses() map[string]string {
	out := map[string]string{}
	for _, pod := range p.Observer.Pods(func(*corev1.Pod) bool { return true }) {
		eachAddress(pod, func(s string) { out[s] = pod.Name })
	}
	return out
}

// await waits for a connection of the workload's pod to the dependency, or for one that it has
// just had, and says when it was seen. The answer is nil where it cannot be told whose one is.
func (p *proxied) await(ctx context.Context, limit time.Duration, was bool) (has *bool, at time.Time, err error) {
	until := time.Now().Add(limit)
	words := []string{"state"}
	for {
		s, err := p.tell(ctx, words...)
		if err != nil {
			return nil, at, err
		}
		yes, no := true, false
		own := p.workloads()
		for _, c := range s.Clients {
			if slices.Contains(own, c.Address) && (c.Joined > 0 || was && c.Left >= 0 && c.Left < justHad.Seconds()) {
				return &yes, time.Now(), nil
			}
		}
		rest := time.Until(until)
		switch {
		case rest > 0:
			words = append([]string{"await", min(rest, awaits).Round(time.Millisecond).String()}, own...)
			continue
		case p.strangers(s):
			return nil, at, nil // the network may hide whose connection that is
		}
		return &no, at, nil
	}
}

// workloads are the addresses of the workload's pods.
func (p *proxied) workloads() (out []string) {
	for _, pod := range p.Observer.Pods(p.own) {
		eachAddress(pod, func(s string) {
			if a, err := netip.ParseAddr(s); err == nil && !slices.Contains(out, a.String()) {
				out = append(out, a.String())
			}
		})
	}
	return out
}

// strangers tells whether somebody has had connections who is none of the namespace's pods.
func (p *proxied) strangers(s proxy.State) bool {
	pods := p.addresses()
	return slices.ContainsFunc(s.Clients, func(c proxy.Client) bool { return pods[c.Address] == "" })
}

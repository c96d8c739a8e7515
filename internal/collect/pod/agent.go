package pod

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// agentName is the agent's pod.
const agentName = "podproof-agent"

// AgentUID is whom the agent runs as: anybody but root and the workload's user.
const AgentUID = 65532

// StartAgent runs the agent's image in a pod of its own, admitted under the Pod Security
// level "restricted", and waits until it runs.
//
// Within is how long a start of the workload may take, of which the trials have several.
func (b *Bench) StartAgent(ctx context.Context, image string, within time.Duration) error {
	no, yes, uid, seconds := false, true, int64(AgentUID), int64((trialDeadline + 4*within).Seconds())
	none := int64(0)
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: agentName, Namespace: b.Namespace,
			Labels: map[string]string{workload.RunLabel: b.Run, workload.TrialLabel: "agent"}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, ActiveDeadlineSeconds: &seconds, TerminationGracePeriodSeconds: &none,
			AutomountServiceAccountToken: &no, EnableServiceLinks: &no,
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: &yes, RunAsUser: &uid,
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name: "agent", Image: image, Args: []string{"agent", "idle"}, ImagePullPolicy: corev1.PullIfNotPresent,
				Resources: corev1.ResourceRequirements{Requests: workload.SmallRequests(nil)},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		},
	}
	p, err := b.create(ctx, p)
	if err != nil {
		return err
	}
	seen := ""
	running := false
	err = b.within(ctx, startWithin, string(p.UID), func(o *workload.Observed) (bool, string) {
		seen = workload.Summary(o.Pod)
		if why := workload.Hopeless(o); why != "" {
			seen = why
			return true, seen
		}
		running = workload.Running(o.Pod, "agent") != nil
		return running, seen
	})
	if err == nil && !running {
		err = fmt.Errorf("podproof's agent did not start, which sends the requests from inside the cluster: %s", seen)
	}
	return err
}

// Load is a load generator at work.
type Load struct {
	in     io.WriteCloser
	cancel context.CancelFunc
	redact func(string) string
	stderr bytes.Buffer

	mu       sync.Mutex
	outcomes []evidence.Request
	held     int
	asked    time.Time
	clocked  bool
	offset   time.Duration // of the agent's clock from ours, once it is clocked
	changed  chan struct{} // closed and replaced at each line
	err      error
	ended    chan struct{}
}

// StartLoad lets the agent carry out a plan. Its input is a stream over the API server,
// its requests are sent from inside the cluster.
func (b *Bench) StartLoad(ctx context.Context, plan agent.Plan) (*Load, error) {
	exec, err := b.executor("agent", "load")
	if err != nil {
		return nil, err
	}
	first, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	l := &Load{in: inW, cancel: cancel, redact: b.Redact, changed: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		err := exec.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: inR, Stdout: outW, Stderr: &l.stderr})
		inR.CloseWithError(io.ErrClosedPipe)
		outW.CloseWithError(err)
	}()
	go l.read(outR)
	l.mu.Lock()
	l.asked = time.Now()
	l.mu.Unlock()
	if err := l.say(string(first), agent.Clock); err != nil {
		cancel()
		return nil, err
	}
	if err := l.Until(ctx, func(int, []evidence.Request) bool { return l.clocked }); err != nil {
		cancel()
		return nil, err
	}
	return l, nil
}

// executor runs a command of the agent's.
func (b *Bench) executor(words ...string) (remotecommand.Executor, error) {
	u := b.client().CoreV1().RESTClient().Post().Resource("pods").Namespace(b.AgentNamespace).Name(agentName).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "agent", Command: append([]string{"/podproof"}, words...),
			Stdin: true, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	config := rest.CopyConfig(b.REST)
	ws, err := remotecommand.NewWebSocketExecutor(config, "GET", u.String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(config, "POST", u)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(ws, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// read takes in the agent's lines.
func (l *Load) read(out *io.PipeReader) {
	defer close(l.ended)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	done := false
	for lines.Scan() {
		var line agent.Line
		err := json.Unmarshal(lines.Bytes(), &line)
		l.mu.Lock()
		switch {
		case err != nil:
			l.err = fmt.Errorf("the agent said %q: %w", brief(lines.Text()), err)
		case line.Outcome != nil:
			o := *line.Outcome
			o.Start = o.Start.Add(-l.offset)
			o.Head, o.Body = l.redact(o.Head), l.redact(o.Body)
			l.outcomes = append(l.outcomes, o)
		case line.Held != "":
			l.held++
		case line.Clock != nil:
			l.offset = clockOffset(l.asked, time.Now(), *line.Clock)
			for i := range l.outcomes {
				l.outcomes[i].Start = l.outcomes[i].Start.Add(-l.offset)
			}
			l.clocked = true
		}
		done = done || line.Done
		close(l.changed)
		l.changed = make(chan struct{})
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && !done {
		l.err = fmt.Errorf("the agent ended before it had carried out its plan: %w %s", orEOF(lines.Err()), strings.TrimSpace(l.stderr.String()))
	}
}

// clockOffset is that of another clock, which said what time it was between asked and now.
// One that may be the same, as with a cluster on this machine, is taken for the same.
func clockOffset(asked, now, said time.Time) time.Duration {
	if !said.Before(asked) && !said.After(now) {
		return 0
	}
	return said.Sub(asked.Add(now.Sub(asked) / 2))
}

func orEOF(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (l *Load) say(words ...string) error {
	if _, err := io.WriteString(l.in, strings.Join(words, "\n")+"\n"); err != nil {
		<-l.ended
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.err // nil where it has carried out its plan: there is nothing left to tell it
	}
	return nil
}

// beginWithin is how long the first answers of a load may take.
const beginWithin = requestTimeout + 10*time.Second

// Begin waits as Until does, for the first answers: where none come, nothing can be lost.
func (l *Load) Begin(ctx context.Context, done func(held int, outcomes []evidence.Request) bool) error {
	limited, cancel := context.WithTimeout(ctx, beginWithin)
	defer cancel()
	err := l.Until(limited, done)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	seen := "none has an answer"
	for _, r := range l.outcomes {
		if r.Failure != "" {
			seen = fmt.Sprintf("one of the stream %s failed: %s", r.Stream, r.Error)
		}
	}
	return fmt.Errorf("the workload did not answer the first requests of podproof's agent within %s: %s", beginWithin, seen)
}

// Until waits until the load has come as far as done says, which is given the number of
// requests that hold half of their body back, and the outcomes so far.
func (l *Load) Until(ctx context.Context, done func(held int, outcomes []evidence.Request) bool) error {
	for {
		l.mu.Lock()
		over, changed := done(l.held, l.outcomes), l.changed
		l.mu.Unlock()
		if over {
			return nil
		}
		select {
		case <-changed:
		case <-l.ended:
			return l.err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Release lets the bodies go that are held back.
func (l *Load) Release() error { return l.say(agent.Release) }

// Stop starts no more requests, waits for those under way, and returns what became of all,
// by podproof's own clock.
func (l *Load) Stop(ctx context.Context) ([]evidence.Request, error) {
	defer l.cancel()
	defer l.in.Close()
	if err := l.say(agent.Stop); err != nil {
		return nil, err
	}
	select {
	case <-l.ended:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return l.outcomes, l.err
}

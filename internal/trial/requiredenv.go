package trial

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// RequiredEnv starts one pod for each variable, without it, all at once, and watches
// each until it exits, serves, or the time is over.
var RequiredEnv = Trial{
	ID:       "required-env",
	Sections: []evidence.Section{evidence.SectionRequiredEnv},
	Doing:    "Starting without each required variable", Done: "Started without each required variable",
	usually: usually{own: 14 * time.Second, starts: 1, each: time.Second},
	Asked:   requires,
	Within:  func(l Limits) time.Duration { return l.env(l.Required) },
	Rights:  withoutRights,
	Run:     sees(startWithoutEnv, func(e *evidence.Evidence, x *evidence.RequiredEnv) { e.RequiredEnv = x }),
}

// MalformedEnv starts one pod for each way in which a variable can be wrong, all at once:
// empty, and, where its name says what it is, no URL and no number.
var MalformedEnv = Trial{
	ID:       "malformed-env",
	Sections: []evidence.Section{evidence.SectionMalformedEnv},
	Doing:    "Starting with malformed variables", Done: "Started with malformed variables",
	usually: usually{own: 8 * time.Second, starts: 1, each: time.Second},
	Asked:   requires,
	Within:  func(l Limits) time.Duration { return l.env(3 * l.Required) },
	Rights:  malformedRights,
	Run:     sees(startWithMalformedEnv, func(e *evidence.Evidence, x *evidence.RequiredEnv) { e.MalformedEnv = x }),
}

// What the names of these trials' pods begin with.
const (
	withoutPod   = "podproof-without"
	malformedPod = "podproof-malformed"
)

func requires(c contract.Contract, _ corev1.Container) bool { return len(c.Env.Required) > 0 }

// env is the time for so many pods at once: on a busy machine they are started one by one, see Limiter.
func (l Limits) env(n int) time.Duration { return l.Pods(1) + time.Duration(n)*20*time.Second }

func startWithoutEnv(ctx context.Context, b *TestBed) (*evidence.RequiredEnv, error) {
	var ts []evidence.EnvTrial
	for _, v := range b.Contract.Env.Required {
		ts = append(ts, evidence.EnvTrial{Variable: v})
	}
	return b.tryEnv(ctx, withoutPod, ts, b.ImageEnv)
}

func startWithMalformedEnv(ctx context.Context, b *TestBed) (*evidence.RequiredEnv, error) {
	return b.tryEnv(ctx, malformedPod, malformedTrials(b.Contract.Env.Required), nil)
}

// malformedTrials are those of each variable in each way in which it can be wrong.
func malformedTrials(variables []string) (ts []evidence.EnvTrial) {
	for _, v := range variables {
		ts = append(ts, evidence.EnvTrial{Variable: v, Wrong: "empty"})
		if wrong := malformed(v); wrong != "" {
			ts = append(ts, evidence.EnvTrial{Variable: v, Wrong: wrong, Value: "podproof-" + strings.ToLower(rand.Text()[:12])})
		}
	}
	return ts
}

// malformed is how a text without colon, digit or dot is a wrong value for a variable, by
// its name; empty where any text may be right.
func malformed(variable string) string {
	words := strings.Split(strings.ToUpper(variable), "_")
	switch last := words[len(words)-1]; last {
	case "URL", "URI", "DSN":
		return "no URL"
	case "PORT", "TIMEOUT", "SECONDS", "COUNT", "WORKERS", "SIZE", "LIMIT":
		return "no number"
	}
	return ""
}

// tryEnv starts a pod for each trial, and completes the trials. ImageEnv is the image's own Env.
func (b *TestBed) tryEnv(ctx context.Context, name string, ts []evidence.EnvTrial, imageEnv []string) (*evidence.RequiredEnv, error) {
	began := time.Now()
	links, err := b.serviceLinks(ctx)
	if err != nil {
		return nil, err
	}
	r := &evidence.RequiredEnv{Trials: make([]evidence.EnvTrial, len(ts))}
	g, gctx := errgroup.WithContext(ctx)
	for i, t := range ts {
		v := t.Variable
		g.Go(surviving(func() error {
			t.ServiceLink = links[v]
			p := b.trial(fmt.Sprintf("%s-%d", name, i))
			t, err := b.tryOne(gctx, p, t, links)
			if err != nil && gctx.Err() != nil {
				return context.Cause(gctx)
			}
			if err != nil {
				t.Problem = err.Error()
			}
			t.ImageSets = slices.ContainsFunc(imageEnv, func(e string) bool { return strings.HasPrefix(e, v+"=") })
			r.Trials[i] = t
			return nil
		}))
	}
	err = g.Wait()
	r.Seconds = time.Since(began).Seconds()
	return r, err
}

// tryOne is one trial. Links are the variables that Kubernetes sets by itself.
func (b *TestBed) tryOne(ctx context.Context, p *corev1.Pod, t evidence.EnvTrial, links map[string]string) (evidence.EnvTrial, error) {
	variable := t.Variable
	from, err := b.unset(ctx, p, variable)
	if err != nil {
		return t, err
	}
	t.From = from
	b.link(p, links, variable)
	if t.Wrong != "" {
		for i := range p.Spec.Containers {
			if c := &p.Spec.Containers[i]; c.Name == b.Container {
				c.Env = append(c.Env, corev1.EnvVar{Name: variable, Value: t.Value})
			}
		}
	}
	p, err = b.launch(ctx, p)
	if err != nil {
		return t, err
	}
	uid := string(p.UID)
	began, hopeless := time.Now(), ""
	err = b.within(ctx, b.Contract.Startup.Within.Std(), uid, func(o *workload.Observed) (bool, string) {
		t.Last = workload.Terminated(o.Pod, b.Container)
		// Without a probe the kubelet calls a container Ready as soon as it runs, which tells nothing.
		t.BecameReady = b.probed() && workload.IsReady(o.Pod)
		if t.Last == nil {
			hopeless = workload.Hopeless(o)
		}
		return t.Last != nil || t.BecameReady || hopeless != "", workload.Summary(o.Pod)
	})
	if err != nil {
		return t, err
	}
	t.Exited = t.Last != nil
	t.Seconds = time.Since(began).Seconds()
	if t.Exited {
		t.Seconds = max(0, t.Last.FinishedAt.Sub(t.Last.StartedAt.Time).Seconds())
	}
	t.Pod = b.podEvidence(ctx, uid)
	if t.Exited && !slices.ContainsFunc(t.Pod.Log, func(l evidence.LogLine) bool { return strings.Contains(l.Text, variable) }) {
		b.awaitLog(ctx, uid, variable)
		t.Pod = b.podEvidence(ctx, uid)
	}
	switch failed := b.initFailed(ctx, uid); {
	case t.Exited || t.BecameReady:
	case failed != "":
		t.Problem = failed
	case hopeless != "":
		t.Problem = hopeless
	case workload.ContainerID(&corev1.Pod{Status: t.Pod.Status}, b.Container) == "":
		t.Problem = fmt.Sprintf("the container of pod %s did not start within %s", p.Name, startWithin)
	}
	return t, b.remove(ctx, p.Name)
}

// awaitLog gives the followed log a moment to bring the line that names the variable: the
// exit is often seen before the last line, and on a busy node before it is in the runtime's file.
func (b *TestBed) awaitLog(ctx context.Context, uid, text string) {
	_ = b.within(ctx, 2*time.Second, uid, func(o *workload.Observed) (bool, string) {
		return o.Said(b.Container, text), ""
	})
}

// unset takes a variable out of the pod's container, and says where it came from. A
// variable that comes with a whole ConfigMap or Secret is left out by listing the rest.
func (b *TestBed) unset(ctx context.Context, p *corev1.Pod, variable string) (from string, err error) {
	i := slices.IndexFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == b.Container })
	c := &p.Spec.Containers[i]
	var rest []corev1.EnvVar
	for _, source := range c.EnvFrom {
		kind, name, keys, err := b.keys(ctx, source)
		if err != nil {
			return "", err
		}
		for _, key := range keys {
			if source.Prefix+key == variable {
				from = kind + "/" + name
				continue
			}
			rest = append(rest, corev1.EnvVar{Name: source.Prefix + key, ValueFrom: reference(source, key)})
		}
	}
	c.EnvFrom = nil
	for _, e := range c.Env {
		if e.Name == variable {
			from = origin(e)
			continue
		}
		rest = append(rest, e)
	}
	c.Env = rest
	return from, nil
}

// keys lists the keys of a ConfigMap or Secret that a container takes as a whole. Those of the
// manifests are known; only what somebody else made is read.
func (b *TestBed) keys(ctx context.Context, s corev1.EnvFromSource) (kind, name string, keys []string, err error) {
	var optional *bool
	switch {
	case s.SecretRef != nil:
		kind, name, optional = "secret", s.SecretRef.Name, s.SecretRef.Optional
		if keys, known := workload.Variables(b.Manifests, "Secret", name); known {
			return kind, name, keys, nil
		}
		var secret *corev1.Secret
		if secret, err = b.client().CoreV1().Secrets(b.Namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
			keys = slices.Sorted(maps.Keys(secret.Data))
		}
	case s.ConfigMapRef != nil:
		kind, name, optional = "configmap", s.ConfigMapRef.Name, s.ConfigMapRef.Optional
		if keys, known := workload.Variables(b.Manifests, "ConfigMap", name); known {
			return kind, name, keys, nil
		}
		var cm *corev1.ConfigMap
		if cm, err = b.client().CoreV1().ConfigMaps(b.Namespace).Get(ctx, name, metav1.GetOptions{}); err == nil {
			keys = slices.Sorted(maps.Keys(cm.Data))
		}
	}
	switch {
	case apierrors.IsNotFound(err) && optional != nil && *optional:
		err = nil
	case err != nil:
		err = fmt.Errorf("reading the keys of %s/%s: %w", kind, name, err)
	}
	return kind, name, keys, err
}

func reference(s corev1.EnvFromSource, key string) *corev1.EnvVarSource {
	if s.SecretRef != nil {
		return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: s.SecretRef.LocalObjectReference, Key: key}}
	}
	return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: s.ConfigMapRef.LocalObjectReference, Key: key}}
}

func origin(e corev1.EnvVar) string {
	switch v := e.ValueFrom; {
	case v == nil:
		return "env"
	case v.SecretKeyRef != nil:
		return "secret/" + v.SecretKeyRef.Name
	case v.ConfigMapKeyRef != nil:
		return "configmap/" + v.ConfigMapKeyRef.Name
	}
	return "env"
}

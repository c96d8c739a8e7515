package pod

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	healthAttempts = 30
	// inVain is how often a Service is asked that has no Ready pod to lead to.
	inVain      = 3
	healthEvery = time.Second
	maxBody     = 1024
)

// Health asks the workload's health route through its Service, from a node inside the
// cluster, until it answers 200 or 30 attempts at one a second are used up.
func Health(ctx context.Context, b *Bench, services []corev1.Service, port int, path string) (*evidence.Health, error) {
	if b.Node == nil {
		return nil, fmt.Errorf("this cluster lets podproof run nothing on a node, from where it would ask the Service")
	}
	pod, err := b.runningPod()
	if err != nil {
		return nil, err
	}
	address, err := b.serviceAddress(ctx, services, port)
	if err != nil {
		return nil, err
	}
	h := &evidence.Health{URL: "http://" + address + path, From: "node " + pod.Spec.NodeName}
	began := time.Now()
	attempts := healthAttempts
	if !workload.IsReady(pod) {
		attempts = inVain
	}
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	for range attempts {
		a := b.get(ctx, pod.Spec.NodeName, h.URL)
		h.Attempts = append(h.Attempts, a)
		if a.Status == 200 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	h.Seconds = time.Since(began).Seconds()
	return h, nil
}

// serviceAddress is the cluster address of the Service port that leads to the workload's port.
func (b *Bench) serviceAddress(ctx context.Context, services []corev1.Service, port int) (string, error) {
	for _, s := range services {
		for _, sp := range s.Spec.Ports {
			if !b.leadsTo(sp, port) {
				continue
			}
			live, err := b.client().CoreV1().Services(b.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
			if err != nil {
				return "", fmt.Errorf("reading service/%s: %w", s.Name, err)
			}
			if live.Spec.ClusterIP == corev1.ClusterIPNone || live.Spec.ClusterIP == "" {
				continue // a headless Service has no address of its own
			}
			return net.JoinHostPort(live.Spec.ClusterIP, strconv.Itoa(int(sp.Port))), nil
		}
	}
	return "", fmt.Errorf("no Service with a cluster address selects the pods of %s and leads to port %d; add one to the manifests, or correct http.port", b.Subject, port)
}

func (b *Bench) leadsTo(sp corev1.ServicePort, port int) bool {
	if sp.TargetPort == (intstr.IntOrString{}) {
		return int(sp.Port) == port
	}
	if sp.TargetPort.Type == intstr.Int {
		return sp.TargetPort.IntValue() == port
	}
	return slices.ContainsFunc(b.Subject.Template.Spec.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool {
			return p.Name == sp.TargetPort.StrVal && int(p.ContainerPort) == port
		})
	})
}

// get sends one request from a node; curl is part of every kind node.
func (b *Bench) get(ctx context.Context, node, url string) evidence.HTTPAttempt {
	a := evidence.HTTPAttempt{At: time.Now()}
	out, err := b.Node.Run(ctx, node, "curl", "--silent", "--show-error", "--noproxy", "*",
		"--max-time", "5", "--write-out", "\n%{http_code}", url)
	a.Seconds = time.Since(a.At).Seconds()
	if i := bytes.LastIndexByte(out, '\n'); i >= 0 {
		a.Status, _ = strconv.Atoi(string(out[i+1:]))
		a.Body = b.Redact(string(out[:min(i, maxBody)]))
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

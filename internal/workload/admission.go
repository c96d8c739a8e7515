package workload

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/evidence"
)

// warnLabel makes the API server warn of every pod that the level restricted would refuse,
// and refuse none (https://kubernetes.io/docs/concepts/security/pod-security-admission/).
const warnLabel = "pod-security.kubernetes.io/warn"

// Admission asks the API server for a pod of a controller, in a dry run: what it would say is
// told, and nothing is made. The namespace is one that CreateNamespace has made.
func (a *Applier) Admission(ctx context.Context, namespace string, r Controller) (*evidence.Admission, error) {
	p := &corev1.Pod{ObjectMeta: *r.Template.ObjectMeta.DeepCopy(), Spec: r.PodSpec()}
	out, _, err := a.Ask(ctx, namespace, p)
	return out, err
}

// Ask asks so for any pod, which it names. Made is the pod as the cluster would have it, nil where it refuses it.
func (a *Applier) Ask(ctx context.Context, namespace string, p *corev1.Pod) (out *evidence.Admission, made *corev1.Pod, err error) {
	p.Name, p.GenerateName, p.Namespace = "", "podproof-admission-", namespace
	heard := &warnings{}
	made, err = a.Client.CoreV1().Pods(namespace).Create(context.WithValue(ctx, warningsKey{}, heard), p,
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	out = &evidence.Admission{Warnings: heard.texts}
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		out.Refused = err.Error()
		return out, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("asking the API server whether it would admit the pod: %w", err)
	}
	out.Altered = Altered(p.Spec, made.Spec)
	return out, made, nil
}

// warnings are what the API server says beside its answers (the Warning header, RFC 9111).
type warnings struct {
	mu    sync.Mutex
	texts []string
}

type warningsKey struct{}

// warnCode is that of all warnings of an API server.
const warnCode = 299

// hear gives a warning to whoever asked for those of this request; client-go would print it
// into podproof's own output.
type hear struct{}

func (hear) HandleWarningHeaderWithContext(ctx context.Context, code int, _, text string) {
	w, ok := ctx.Value(warningsKey{}).(*warnings)
	if !ok || code != warnCode || text == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

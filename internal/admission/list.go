package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// listLabel marks a ConfigMap as a list that podproof keeps.
const listLabel = "podproof.dev/allow-list"

// Listed is an image that a list has: by the digest that its name had when it was asked about.
type Listed struct {
	// Image is such as registry.example/shop/api:1@sha256:….
	Image string
	// Until is when its proof ends by itself.
	Until time.Time
}

func (l Listed) digest() string {
	_, d, _ := strings.Cut(l.Image, "@")
	return d
}

// Sound tells whether it names an image by its digest. What somebody else wrote into a list may not.
func (l Listed) Sound() bool { return strings.HasPrefix(l.digest(), "sha256:") }

// Entries are what a list has of an image: one for each digest by which a pod may name it. A key of a ConfigMap
// has no colon.
func (l Listed) Entries(digests []string) map[string]string {
	out := map[string]string{}
	for _, d := range digests {
		out[strings.Replace(d, ":", "-", 1)] = l.Image + " until " + l.Until.UTC().Format(time.RFC3339)
	}
	return out
}

// readListed reads a value of a list. What cannot be read proves nothing.
func readListed(value string) (Listed, bool) {
	image, until, ok := strings.Cut(value, " until ")
	t, err := time.Parse(time.RFC3339, until)
	return Listed{image, t}, ok && err == nil && strings.Contains(image, "@sha256:")
}

// NewList is an empty list.
func NewList(namespace, name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{listLabel: "true"}}, Data: map[string]string{}}
}

// List is the ConfigMap that a ValidatingAdmissionPolicy reads (manifests/gate/vap).
type List struct {
	Client          kubernetes.Interface
	Namespace, Name string
}

// Images are those that it has, each once.
func (l List) Images(ctx context.Context) ([]Listed, error) {
	m, err := l.get(ctx)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, l.explain(err)
	}
	seen := map[string]Listed{}
	for key, v := range m.Data {
		x, ok := readListed(v)
		if !ok {
			x = Listed{Image: key} // which nobody can ask about, so that it is taken out
		}
		seen[x.Image] = x
	}
	return slices.SortedFunc(maps.Values(seen), func(a, b Listed) int { return strings.Compare(a.Image, b.Image) }), nil
}

// Admit puts an image's digests on the list, in the place of what it had of that image.
func (l List) Admit(ctx context.Context, x Listed, digests []string) error {
	return l.change(ctx, func(data map[string]string) {
		remove(data, x)
		maps.Copy(data, x.Entries(digests))
	})
}

// Remove takes an image off the list.
func (l List) Remove(ctx context.Context, x Listed) error {
	return l.change(ctx, func(data map[string]string) { remove(data, x) })
}

func remove(data map[string]string, x Listed) {
	maps.DeleteFunc(data, func(key, value string) bool {
		had, ok := readListed(value)
		return key == x.Image || ok && had.digest() == x.digest() || key == strings.Replace(x.digest(), ":", "-", 1)
	})
}

// change reads, changes and writes it; when somebody else has written meanwhile, again.
func (l List) change(ctx context.Context, do func(map[string]string)) error {
	api := l.Client.CoreV1().ConfigMaps(l.Namespace)
	return l.explain(retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		m, err := l.get(ctx)
		if apierrors.IsNotFound(err) {
			m = NewList(l.Namespace, l.Name)
			if do(m.Data); len(m.Data) == 0 {
				return nil
			}
			_, err = api.Create(ctx, m, metav1.CreateOptions{FieldManager: "podproof-gate"})
			if apierrors.IsAlreadyExists(err) {
				return apierrors.NewConflict(corev1.Resource("configmaps"), l.Name, err)
			}
			return err
		}
		if err != nil {
			return err
		}
		before := maps.Clone(m.Data)
		if m.Data == nil {
			m.Data = map[string]string{}
		}
		if do(m.Data); maps.Equal(before, m.Data) {
			return nil
		}
		_, err = api.Update(ctx, m, metav1.UpdateOptions{FieldManager: "podproof-gate"})
		return err
	}))
}

func (l List) get(ctx context.Context) (*corev1.ConfigMap, error) {
	m, err := l.Client.CoreV1().ConfigMaps(l.Namespace).Get(ctx, l.Name, metav1.GetOptions{})
	if err == nil && m.Labels[listLabel] != "true" {
		return nil, fmt.Errorf("configmap/%s in namespace %s is not a list that podproof made (it has no label %s=true); name another", l.Name, l.Namespace, listLabel)
	}
	return m, err
}

func (l List) explain(err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; role/podproof-proven of manifests/gate/vap is the right to keep the list", err)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("%w; `kubectl apply -k manifests/gate/vap` makes the namespace, and the policy that reads the list", err)
	case err != nil && apierrors.ReasonForError(err) != metav1.StatusReasonUnknown:
		return fmt.Errorf("keeping configmap/%s in namespace %s: %w", l.Name, l.Namespace, err)
	}
	return err
}

package workload

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Demands are what a namespace asks of each container (LimitRange, ResourceQuota), as far as the pods
// that podproof makes have to comply: their small requests may be below a minimum, and its own
// containers have no limits where a quota counts those.
type Demands struct {
	ranges []corev1.LimitRangeItem
	capped map[corev1.ResourceName]bool // of which a quota counts the limits
	quotas []corev1.ResourceQuota
}

// Bounded tells that a quota bounds what the namespace's pods take together.
func (d Demands) Bounded() bool { return len(d.quotas) > 0 }

// ownLimits are those of a container without any where a quota counts limits: far above what
// podproof's own take.
var ownLimits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("256Mi")}

// Demands asks what a namespace demands. What one may not ask for is told when a pod is refused.
func (a *Applier) Demands(ctx context.Context, namespace string) (Demands, error) {
	d := Demands{capped: map[corev1.ResourceName]bool{}}
	ranges, err := a.Client.CoreV1().LimitRanges(namespace).List(ctx, metav1.ListOptions{})
	if err != nil && !apierrors.IsForbidden(err) {
		return d, fmt.Errorf("listing the LimitRanges of namespace %s: %w", namespace, err)
	}
	if err == nil {
		for _, r := range ranges.Items {
			for _, i := range r.Spec.Limits {
				if i.Type == corev1.LimitTypeContainer {
					d.ranges = append(d.ranges, i)
				}
			}
		}
	}
	quotas, err := a.Client.CoreV1().ResourceQuotas(namespace).List(ctx, metav1.ListOptions{})
	if err != nil && !apierrors.IsForbidden(err) {
		return d, fmt.Errorf("listing the ResourceQuotas of namespace %s: %w", namespace, err)
	}
	if err == nil {
		d.quotas = quotas.Items
		for _, q := range quotas.Items {
			for name := range q.Spec.Hard {
				if of, ok := strings.CutPrefix(string(name), "limits."); ok {
					d.capped[corev1.ResourceName(of)] = true
				}
			}
		}
	}
	return d, nil
}

// Fit has a pod that podproof makes comply, and changes nothing else of it.
func (d Demands) Fit(p *corev1.Pod) {
	for _, cs := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range cs {
			d.fit(&cs[i].Resources)
		}
	}
}

func (d Demands) fit(r *corev1.ResourceRequirements) {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		limit, limited := r.Limits[name]
		for _, i := range d.ranges {
			if byDefault, ok := i.Default[name]; ok && !limited {
				limit, limited = byDefault, true
			}
		}
		if own, ok := ownLimits[name]; ok && !limited && d.capped[name] {
			limit, limited = own, true
			if r.Limits == nil {
				r.Limits = corev1.ResourceList{}
			}
			r.Limits[name] = own
		}
		request, requested := r.Requests[name]
		if !requested {
			continue // it is the limit, or what the LimitRange says
		}
		for _, i := range d.ranges {
			if least, ok := i.Min[name]; ok && request.Cmp(least) < 0 {
				request = least
			}
			if ratio, ok := i.MaxLimitRequestRatio[name]; ok && limited && ratio.AsApproximateFloat64() > 0 {
				least := resource.NewMilliQuantity(int64(float64(limit.MilliValue())/ratio.AsApproximateFloat64())+1, request.Format)
				if request.Cmp(*least) < 0 {
					request = *least
				}
			}
		}
		if limited && request.Cmp(limit) > 0 {
			request = limit
		}
		r.Requests[name] = request
	}
}

// NoRoom tells a pod that a quota has no room for now from one that is refused for ever: pods that
// end make room (k8s.io/apiserver, pkg/admission/plugin/resourcequota).
func NoRoom(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "exceeded quota")
}

// Altered says what the cluster makes of a pod on its way in, beyond what Kubernetes itself adds:
// containers that somebody injects, and limits that the manifest does not have.
func Altered(asked, made corev1.PodSpec) []string {
	var out []string
	had := append(slices.Clone(asked.InitContainers), asked.Containers...)
	for _, c := range append(slices.Clone(made.InitContainers), made.Containers...) {
		i := slices.IndexFunc(had, func(x corev1.Container) bool { return x.Name == c.Name })
		if i < 0 {
			out = append(out, fmt.Sprintf("container %s is injected (image %s)", c.Name, c.Image))
			continue
		}
		if had[i].Image != c.Image {
			out = append(out, fmt.Sprintf("container %s runs image %s instead of %s", c.Name, c.Image, had[i].Image))
		}
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			is, limited := c.Resources.Limits[name]
			if was, ok := had[i].Resources.Limits[name]; limited && (!ok || was.Cmp(is) != 0) {
				out = append(out, fmt.Sprintf("container %s gets the limit %s %s", c.Name, name, is.String()))
			}
		}
	}
	return out
}

package workload

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Preflight is what is known of manifests before there is a cluster.
type Preflight struct {
	// Objects go into the cluster, Left do not.
	Objects []Object
	Left    []LeftOut
	// Controllers are those of Objects. Needed are those whose pods have to run: the subject, its
	// dependencies and the Jobs; a problem of another's pod is told as a note.
	Controllers, Needed []Controller
	// Namespace is one that was made before, with what others have put there; empty is none.
	Namespace string
}

// Found is what cannot work, and what probably does not. Secrets are those that pods need and no
// manifest holds, "secret/x", so that nobody knows their values.
type Found struct{ Problems, Notes, Secrets []string }

// Look says what cannot work, and what probably does not.
func (p Preflight) Look() Found {
	l := &look{Preflight: p}
	l.kinds()
	l.doubles()
	l.selectors()
	l.admitted()
	for _, r := range p.Controllers {
		l.pods(r)
	}
	for _, r := range p.Needed {
		if r.GetKind() == "Job" {
			l.pods(r)
		}
	}
	l.services()
	l.budgets()
	return Found{l.problems, l.notes, l.secrets}
}

type look struct {
	Preflight
	problems, notes, secrets []string
}

func (l *look) fail(where string, o Object, format string, a ...any) {
	l.problems = append(l.problems, fmt.Sprintf("%s: %s: %s", where, o, fmt.Sprintf(format, a...)))
}

func (l *look) note(where string, o Object, format string, a ...any) {
	l.notes = append(l.notes, fmt.Sprintf("%s: %s: %s", where, o, fmt.Sprintf(format, a...)))
}

// about is a problem where the controller's pods are needed, and a note otherwise.
func (l *look) about(r Controller, path, format string, a ...any) {
	tell := l.note
	if l.needs(r) {
		tell = l.fail
	}
	tell(r.Source.At(path), r.Object, format, a...)
}

func (l *look) needs(r Controller) bool {
	return slices.ContainsFunc(l.Needed, func(n Controller) bool { return n.String() == r.String() })
}

func (l *look) kinds() {
	defined := definitions(l.Objects)
	for _, o := range l.Objects {
		if wrong := cmp.Or(wrongKind(o), unserved(o, defined)); wrong != "" {
			l.fail(o.Source.At("apiVersion"), o, "%s", wrong)
		}
	}
	// What is left out here is applied elsewhere.
	for _, left := range l.Left {
		for _, o := range left.Objects {
			if wrong := removed(o.GroupVersionKind()); wrong != "" {
				l.fail(o.Source.At("apiVersion"), o, "%s", wrong)
			}
		}
	}
}

// doubles finds objects that would replace each other, since all go into one namespace.
func (l *look) doubles() {
	for i, o := range l.Objects {
		first := slices.IndexFunc(l.Objects[:i], func(x Object) bool { return sameObject(x, o) })
		if first >= 0 && !isCopy(l.Objects[first], o) {
			f := l.Objects[first]
			l.fail(o.Source.String(), o, "it is at %s, too%s: list manifests that contain it once", f.Source, apart(f, o))
		}
	}
}

// apart says in which namespaces two objects lie.
func apart(a, b Object) string {
	if a.GetNamespace() == b.GetNamespace() {
		return ""
	}
	return fmt.Sprintf(" (there in %s, here in %s), and podproof puts all objects into one namespace", namespaceIn(a), namespaceIn(b))
}

func namespaceIn(o Object) string {
	if o.GetNamespace() == "" {
		return "no namespace"
	}
	return "the namespace " + o.GetNamespace()
}

func sameButNamespace(a, b Object) bool {
	a, b = Object{a.DeepCopy(), a.Source}, Object{b.DeepCopy(), b.Source}
	a.SetNamespace("")
	b.SetNamespace("")
	return equality.Semantic.DeepEqual(a.Object, b.Object)
}

// selectors looks at what the API server demands of them.
func (l *look) selectors() {
	for _, r := range l.Controllers {
		if r.GetKind() == "Pod" {
			continue
		}
		set := labels.Set(r.Template.Labels)
		_, there, _ := unstructured.NestedMap(r.Object.Object, "spec", "selector")
		switch {
		case !there && len(set) == 0:
			l.fail(r.Source.At("spec"), r.Object, "spec.selector is missing, and the pod template has no labels to select its pods by")
		case !there:
			l.fail(r.Source.At("spec"), r.Object, "spec.selector is missing: add `selector: {matchLabels: {%s}}`", strings.ReplaceAll(strings.ReplaceAll(set.String(), "=", ": "), ",", ", "))
		case r.Selector.Empty():
			l.fail(r.Source.At("spec.selector"), r.Object, "spec.selector is empty: name labels of the pod template there")
		case !r.Selector.Matches(set):
			l.fail(r.Source.At("spec.selector"), r.Object, "spec.selector (%s) does not match the labels of its own pod template (%s)", r.Selector, set)
		}
	}
}

// budgets notes those that allow no disruption once an autoscaler has as few replicas as it keeps. Of
// as many as are run, an eviction tells.
func (l *look) budgets() {
	for _, o := range l.Objects {
		var b policyv1.PodDisruptionBudget
		if o.GetKind() != "PodDisruptionBudget" || convert(o, &b) != nil {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err != nil || selector.Empty() {
			continue
		}
		for _, r := range l.Controllers {
			least := Least(l.Left, r.Object)
			if least == 0 || r.Replicas <= least || !selector.Matches(labels.Set(r.Template.Labels)) {
				continue
			}
			if full, rule := allowsNone(b.Spec, least); full {
				l.note(o.Source.At("spec"), o, "%s, and an autoscaler keeps %d of %s at least: while there are no more, no node with one can be drained", rule, least, r)
			}
		}
	}
}

// allowsNone tells whether a budget lets none of so many pods go, and by which rule. What is given in
// percent is rounded up (pkg/controller/disruption).
func allowsNone(b policyv1.PodDisruptionBudgetSpec, pods int32) (none bool, rule string) {
	if m := b.MaxUnavailable; m != nil {
		n, err := intstr.GetScaledValueFromIntOrPercent(m, int(pods), true)
		return err == nil && n <= 0, "maxUnavailable is " + m.String()
	}
	if m := b.MinAvailable; m != nil {
		n, err := intstr.GetScaledValueFromIntOrPercent(m, int(pods), true)
		return err == nil && n >= int(pods), "minAvailable is " + m.String()
	}
	return false, ""
}

// services looks where each Service leads.
func (l *look) services() {
	for _, o := range l.Objects {
		var s corev1.Service
		if o.GetKind() != "Service" || convert(o, &s) != nil || len(s.Spec.Selector) == 0 {
			continue
		}
		selector := labels.SelectorFromSet(s.Spec.Selector)
		var matched []Controller
		for _, r := range l.Controllers {
			if selector.Matches(labels.Set(r.Template.Labels)) {
				matched = append(matched, r)
			}
		}
		if len(matched) == 0 {
			l.note(o.Source.At("spec.selector"), o, "its selector (%s) matches the pods of no workload in these manifests, so it has no endpoints", selector)
			continue
		}
		l.targets(o, s, matched)
		l.undeclared(o, s, matched)
	}
}

// targets looks for the named ports to which a Service leads. A Service without any port that
// its pods have is of no use to anybody; one of several may be a sidecar's that is injected.
func (l *look) targets(o Object, s corev1.Service, to []Controller) {
	var missing []int
	for i, p := range s.Spec.Ports {
		if p.TargetPort.Type == intstr.String && !slices.ContainsFunc(to, func(r Controller) bool { return hasPort(r.Template.Spec, p.TargetPort.StrVal) }) {
			missing = append(missing, i)
		}
	}
	tell := l.note
	if len(missing) == len(s.Spec.Ports) && slices.ContainsFunc(to, l.needs) {
		tell = l.fail
	}
	for _, i := range missing {
		tell(o.Source.At(fmt.Sprintf("spec.ports[%d].targetPort", i)), o, "targetPort is %s, and no container of %s has a port of that name; it has %s",
			s.Spec.Ports[i].TargetPort.StrVal, to[0], portsIn(to[0].Template.Spec.Containers...))
	}
}

// undeclared notes the numbered ports to which a Service leads where its pods declare others. They need
// not declare any, so it may be right.
func (l *look) undeclared(o Object, s corev1.Service, to []Controller) {
	var declared []corev1.Container
	for _, r := range to {
		declared = append(declared, r.Template.Spec.Containers...)
	}
	has := func(number int32) bool {
		return !slices.ContainsFunc(declared, func(c corev1.Container) bool { return len(c.Ports) > 0 }) || slices.ContainsFunc(declared, func(c corev1.Container) bool {
			return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == number })
		})
	}
	for i, p := range s.Spec.Ports {
		if number := cmp.Or(p.TargetPort.IntVal, p.Port); p.TargetPort.Type == intstr.Int && !has(number) {
			l.note(o.Source.At(fmt.Sprintf("spec.ports[%d]", i)), o, "it leads to port %d, and the containers of %s declare %s; that is right where one listens there all the same",
				number, to[0], portsIn(declared...))
		}
	}
}

func hasPort(spec corev1.PodSpec, name string) bool {
	return slices.ContainsFunc(slices.Concat(spec.InitContainers, spec.Containers), func(c corev1.Container) bool { return declares(c, name) })
}

func declares(c corev1.Container, name string) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

// portsIn names the ports of containers: "http (8000)".
func portsIn(cs ...corev1.Container) string {
	var out []string
	for _, c := range cs {
		for _, p := range c.Ports {
			if p.Name == "" {
				out = append(out, fmt.Sprintf("%d without a name", p.ContainerPort))
			} else {
				out = append(out, fmt.Sprintf("%s (%d)", p.Name, p.ContainerPort))
			}
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

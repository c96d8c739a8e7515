package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/cluster/existing"
	"podproof.dev/podproof/internal/collect/image/layer"
	"podproof.dev/podproof/internal/collect/image/source"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/evidence"
)

// pulls tells that the cluster's nodes pull their images, so that all are in a registry, and no
// Docker engine is needed.
func (r *run) pulls() bool {
	p := r.Providers[r.Provider]
	return p != nil && p.Pulls()
}

// errBuildHere refuses to build an image for a cluster that none can be put into.
func (r *run) errBuildHere() error {
	what := "the contract builds the image"
	if c := r.plan.Contract; !c.Written() {
		what = "podproof would build the image from " + c.Build.Dockerfile + ", which it found"
	}
	return &InputError{fmt.Errorf("%s, and the nodes of this cluster pull theirs from a registry: push it, and verify it by its name there: podproof verify --cluster %s %s@sha256:…",
		what, r.flag(), cmp.Or(r.plan.Contract.Image, "IMAGE"))}
}

// flag is what --cluster says of a cluster that is there, also before that is looked for.
func (r *run) flag() string {
	if r.Existing == existing.InCluster {
		return "current"
	}
	return "context:" + r.Existing
}

// errNoAgent is where the nodes have nothing to pull podproof's agent from.
var errNoAgent = errors.New("the nodes of this cluster pull their images, and this build of podproof is published nowhere: push it to a registry that they reach with `podproof agent push REF`, and give --agent-image REF (or PODPROOF_AGENT_IMAGE)")

// openPulled opens the image in its registry, at the digest that its name has now.
func (r *run) openPulled(ctx context.Context) error {
	img, err := source.Open(ctx, source.Registry+":"+r.imageRef(), source.Options{Host: v1.Platform{OS: "linux", Architecture: r.info.Architecture}})
	if layer.IsFault(err) {
		return &InputError{fmt.Errorf("%w\nThe nodes of this cluster pull their images: give IMAGE by its name in a registry, best with its digest", err)}
	}
	r.image.Image = img
	return err
}

// pin has the nodes pull the image by its digest, whatever becomes of its name meanwhile.
func (r *run) pin(context.Context) error {
	r.place.substitute(r.plan.Container.Image, r.image.Pinned)
	return nil
}

// isWhatRuns tells whether the pods run the image that is inspected. A runtime gives an image's ID as
// the digest of its index, its manifest or its configuration, behind a name or alone.
func (r *run) isWhatRuns(pods []evidence.Pod) error {
	if !r.pulls() {
		return nil
	}
	for _, p := range pods {
		for _, s := range p.Status.ContainerStatuses {
			id := s.ImageID[strings.LastIndexByte(s.ImageID, ':')+1:]
			if s.Name == r.subject.Container.Name && id != "" && !r.image.Is("sha256:"+id) {
				return fmt.Errorf("pod %s runs image %s, which is not the one that was inspected, %s: something in the cluster replaces images, such as a mirror or a webhook", p.Name, s.ImageID, r.image.Pinned)
			}
		}
	}
	return nil
}

// machine is what the cluster's nodes are on which the workload may run, as far as one may know: nodes
// are not everybody's to list.
func (r *run) machine(ctx context.Context) (docker.Info, error) {
	out := docker.Info{OS: "linux", Architecture: runtime.GOARCH, CPUs: 1}
	c, err := r.Providers[r.Provider].Prepare(ctx, cluster.Spec{Existing: r.Existing, Kubeconfig: r.Kubeconfig})
	if errors.Is(err, cluster.ErrGone) {
		err = &InputError{err}
	}
	if err != nil {
		return out, err
	}
	client, err := kubernetes.NewForConfig(c.REST())
	if err != nil {
		return out, fmt.Errorf("connecting to the cluster: %w", err)
	}
	if r.AgentImage == "" && r.Job != nil && r.needs(podSections...) {
		if r.AgentImage, err = r.Job.Image(ctx, client); err != nil {
			return out, err
		}
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err):
		r.Debug(fmt.Sprintf("you may not list the cluster's nodes; they are taken for %s/%s", out.OS, out.Architecture))
		return out, nil
	case err != nil:
		return out, fmt.Errorf("asking for the nodes of --cluster %s: %w; `kubectl %s version` shows whether the cluster can be reached", c.About().Flag, err, c.About().Kubectl)
	}
	of := map[string]int{}
	out.CPUs = 0
	for _, n := range list.Items {
		if takes(n, r.plan.Workload.Template.Spec) {
			of[n.Status.NodeInfo.Architecture]++
			out.CPUs += int(n.Status.Allocatable.Cpu().Value())
		}
	}
	for arch, n := range of { // most of them
		if n > of[out.Architecture] || n == of[out.Architecture] && arch < out.Architecture {
			out.Architecture = arch
		}
	}
	if len(of) > 1 {
		r.Tell.Note(fmt.Sprintf("The workload may run on nodes of several architectures (%s): of the image the one for %s is looked into; a nodeSelector kubernetes.io/arch in its pods has it run on these alone",
			strings.Join(slices.Sorted(maps.Keys(of)), ", "), out.Architecture))
	}
	return out, nil
}

// takes tells whether a node takes such pods, as far as its labels and its taints say.
func takes(n corev1.Node, pod corev1.PodSpec) bool {
	tolerated := func(t corev1.Taint) bool {
		return t.Effect == corev1.TaintEffectPreferNoSchedule || slices.ContainsFunc(pod.Tolerations, func(x corev1.Toleration) bool { return x.ToleratesTaint(klog.Background(), &t, false) })
	}
	return !n.Spec.Unschedulable && labels.SelectorFromSet(pod.NodeSelector).Matches(labels.Set(n.Labels)) &&
		!slices.ContainsFunc(n.Spec.Taints, func(t corev1.Taint) bool { return !tolerated(t) })
}

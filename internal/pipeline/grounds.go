package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/collect/build"
	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/workload"
)

// Grounds are what a run stands on: all that decides what it tries and sees, by what it is called. Two
// runs on the same grounds try the same. Values of Secrets and build arguments are among them, so that
// they are written down as keyed digests alone.
type Grounds map[string]string

// Memory knows earlier runs by their grounds, and says of one that it does not answer by why.
type Memory interface {
	// May tells whether there may be one on these grounds, to which the image may still be missing.
	May(on Grounds) bool
	// Recall is what one on the same grounds saw; nil where there is none to answer by.
	Recall(on Grounds) *Result
}

// GroundImage is that of the image under test, which is not known before it is built.
const GroundImage = "image"

// grounds are all of them but an image that is yet to be built. What cannot be known is an error.
func (r *run) grounds(ctx context.Context) (Grounds, error) {
	if err := r.ungrounded(); err != nil {
		return nil, err
	}
	on := Grounds{"selection": r.selection(), "flags": r.flags()}
	var err error
	if on["podproof"], err = r.ownBuild(); err != nil {
		return nil, err
	}
	if on["contract"], err = r.promises(); err != nil {
		return nil, err
	}
	if on["manifests"], err = r.rendered(); err != nil {
		return nil, err
	}
	switch {
	case r.builds():
	case r.pulls():
		on[GroundImage] = r.image.Pinned
	default:
		on[GroundImage] = r.image.id
	}
	around, err := r.around(ctx)
	maps.Copy(on, around)
	return on, err
}

// around are those grounds that may change while a run goes on.
func (r *run) around(ctx context.Context) (Grounds, error) {
	on := Grounds{}
	for _, g := range []struct {
		name string
		is   func(context.Context) (string, error)
	}{{"machine", r.machineGround}, {"cluster", r.clusterGround}, {"other images", r.otherImages}, {"build", r.buildGround}} {
		var err error
		if on[g.name], err = g.is(ctx); err != nil {
			return nil, err
		}
	}
	return on, nil
}

// ungrounded says what, by its kind, is known of no run.
func (r *run) ungrounded() error {
	pods := r.needs(podSections...)
	switch {
	case r.Keep:
		return errors.New("--keep wants something to look at")
	case r.Job != nil:
		return errors.New("nothing stays of the disk of a Job's pod")
	case r.missingInput() != "":
		return fmt.Errorf("%s is not there", r.missingInput())
	case !pods:
		return nil
	case r.Namespace != "":
		return fmt.Errorf("what else is in namespace %s is part of what is tried, and stands in no manifest", r.Namespace)
	case r.pulls() && !strings.Contains(r.AgentImage, "@sha256:") && !strings.HasSuffix(r.AgentImage, ":"+r.Version):
		return fmt.Errorf("podproof's own image is named by a tag, %s, and not by its digest", r.AgentImage)
	}
	for _, d := range r.plan.Contract.Dependencies {
		if d.External() {
			return fmt.Errorf("what %s is by now stands nowhere: it is outside of the cluster", d)
		}
	}
	for _, o := range r.plan.Objects {
		if opaque(o) {
			return fmt.Errorf("nobody knows what becomes of %s (%s): pods that podproof does not see may", o, o.Source)
		}
	}
	for _, c := range slices.Concat(r.plan.Controllers, r.plan.Jobs) {
		for _, v := range c.Template.Spec.Volumes {
			if v.Image != nil {
				return fmt.Errorf("%s has the volume %s of an image, which the node pulls", c, v.Name)
			}
		}
	}
	return nil
}

// opaque tells whether an object leads to more than it says: to pods whose images are not known, or to
// webhooks. Of Kubernetes' own kinds few do; what a custom one does its controller knows.
func opaque(o workload.Object) bool {
	switch group := o.GroupVersionKind().Group; {
	case slices.Contains([]string{"ReplicaSet", "ReplicationController", "PodTemplate", "APIService", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}, o.GetKind()):
		return true
	case !strings.Contains(group, "."):
		return false
	default:
		return !strings.HasSuffix(group, ".k8s.io")
	}
}

// selection are the checks that were asked for.
func (r *run) selection() string {
	var ids []string
	for _, c := range r.Options.Selected {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, " ")
}

// flags are those that change what is tried, or with what.
func (r *run) flags() string {
	return fmt.Sprintf("among others %t, warm %t, set images %v, shared %t, open network %t, agent %q", r.session != nil, r.Warm, r.SetImages, r.Shared, r.OpenNetwork, r.AgentImage)
}

// ownBuild is podproof's version with the program itself, by which builds of one version are told
// apart, and the one that runs on the nodes.
func (r *run) ownBuild() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("podproof's own program is not found: %w", err)
	}
	programs := []string{self}
	if !r.pulls() && r.needs(podSections...) {
		agent, err := agentProgram(r.info.Architecture)
		if err != nil {
			return "", err
		}
		if agent != self {
			programs = append(programs, agent)
		}
	}
	out := r.Version
	for _, p := range programs {
		sum, err := fileSum(p)
		if err != nil {
			return "", fmt.Errorf("podproof's own program cannot be read: %w", err)
		}
		out += " " + sum
	}
	return out, nil
}

func fileSum(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return fmt.Sprintf("%x", sum.Sum(nil)), err
}

// promises are the contract's bytes, and what was derived of it so far.
func (r *run) promises() (string, error) {
	c := r.plan.Contract
	derived, err := json.Marshal(c)
	return fmt.Sprintf("%s %t %v %s %s", c.Digest(), c.Written(), c.Found(), r.imageRef(), derived), err
}

// rendered are the objects that are applied, whole, with a digest of all that was read.
func (r *run) rendered() (string, error) {
	out := strings.Join(append([]string{r.plan.Digest}, r.plan.LeftOut()...), "\n")
	for _, o := range r.plan.Objects {
		text, err := json.Marshal(o.Object)
		if err != nil {
			return "", fmt.Errorf("%s cannot be written: %w", o, err)
		}
		out += "\n" + string(text)
	}
	return out, nil
}

// machineGround is the engine with its host, or the nodes of a cluster that needs none.
func (r *run) machineGround(context.Context) (string, error) {
	return fmt.Sprintf("%s %+v", r.host(), r.info), nil
}

// clusterGround is what the cluster is made of, or which one it is.
func (r *run) clusterGround(ctx context.Context) (string, error) {
	if !r.needs(podSections...) {
		return "none", nil
	}
	provider := r.Providers[r.Provider]
	c, err := provider.Prepare(ctx, r.preparing())
	if err != nil {
		return "", err
	}
	out := fmt.Sprintf("%s, nodes %t, ", r.Provider, c.Nodes() != nil)
	if c.About().Owned {
		image := provider.MadeOf()
		if image == "" {
			return "", errors.New("nothing tells what the cluster will be made of")
		}
		id, err := r.imageID(ctx, image)
		return out + id, err
	}
	client, err := kubernetes.NewForConfig(c.REST())
	if err != nil {
		return "", fmt.Errorf("connecting to the cluster: %w", err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return "", fmt.Errorf("asking the API server for its version: %w", err)
	}
	// Its UID is what comes nearest to a cluster's own
	// (https://github.com/open-telemetry/semantic-conventions, k8s.cluster.uid).
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("the UID of namespace %s, by which one cluster is told from another, is not known: %w", metav1.NamespaceSystem, err)
	}
	return out + version.GitVersion + " " + string(system.UID), nil
}

// otherImages are those of the pods beside the one under test, by what will really run.
func (r *run) otherImages(ctx context.Context) (string, error) {
	if !r.needs(podSections...) {
		return "none", nil
	}
	var nodes cluster.Images // of a cluster that was there
	if r.Existing != "" && !r.pulls() {
		c, err := r.Providers[r.Provider].Prepare(ctx, r.preparing())
		if err != nil {
			return "", err
		}
		nodes = c.Images()
	}
	var out []string
	for _, name := range r.plan.Images() {
		if name == r.plan.Container.Image {
			continue
		}
		ref := name
		if to, ok := workload.Substitute(r.SetImages, name); ok {
			ref = to
		}
		if nodes != nil && !pinned(ref) {
			if has, err := nodes.Has(ctx, ref); err != nil || has {
				return "", errors.Join(err, fmt.Errorf("the nodes have an image %s of their own: nobody says which", ref))
			}
		}
		id, err := r.imageID(ctx, ref)
		if err != nil {
			return "", err
		}
		out = append(out, name+"="+id)
	}
	slices.Sort(out)
	return strings.Join(out, " "), nil
}

// pinned tells whether a name is of one image for ever.
func pinned(ref string) bool { return strings.Contains(ref, "@sha256:") }

// imageID is what a name leads to.
func (r *run) imageID(ctx context.Context, ref string) (string, error) {
	switch {
	case pinned(ref):
		return ref, nil
	case r.pulls():
		return "", fmt.Errorf("the nodes pull %s by its tag, which may lead to another image by now: name it with its digest", ref)
	}
	img, err := r.engine.Image(ctx, ref)
	if errors.Is(err, docker.ErrNotFound) {
		return "", fmt.Errorf("the engine has no image %s, so that the node pulls what its tag leads to by then", ref)
	}
	return img.ID, err
}

// buildGround is what the image is built from.
func (r *run) buildGround(ctx context.Context) (string, error) {
	if !r.builds() {
		return "none", nil
	}
	s := Spec(r.plan.Contract, r.BuildArgs)
	content, err := s.Digest(ctx)
	args, jsonErr := json.Marshal(s.Args)
	return fmt.Sprintf("%s %q %s epoch %q", content, s.Target, args, os.Getenv(build.EpochVariable)), errors.Join(err, jsonErr)
}

// recall finds out what the run stands on, and answers it by what an earlier one saw that stood on the
// same. Nil has it go on. What is built is built first where nothing else differs from a run that is known:
// the base images and the builder then say by the image's ID that they are the same, too.
func (r *run) recall(ctx context.Context) *Result {
	if r.Memory == nil {
		return nil
	}
	on, err := r.grounds(ctx)
	if err != nil {
		r.anew(err)
		return nil
	}
	r.on = on
	if r.builds() {
		if !r.Memory.May(on) {
			return nil
		}
		if err := r.buildFirst(ctx); err != nil {
			r.anew(err)
			return nil
		}
		on[GroundImage] = r.subjectID()
	}
	return r.Memory.Recall(on)
}

// anew says why nothing is known of such a run.
func (r *run) anew(why error) {
	r.Debug(fmt.Sprintf("No record of an earlier run answers this one, nor is one kept of it: %v", why))
}

// buildFirst does the step "build" ahead of the others.
func (r *run) buildFirst(ctx context.Context) error {
	if err := r.begin(); err != nil {
		return err
	}
	step, err := perform(ctx, r.saw.began, r.buildStep(), r.Tell, &sync.WaitGroup{})
	r.saw.mu.Lock()
	defer r.saw.mu.Unlock()
	if err != nil {
		r.saw.e.Build = nil // it is built again, and what is wrong is told then
		return err
	}
	r.saw.clusterSteps = append(r.saw.clusterSteps, *step)
	return nil
}

// stood are the grounds that the run had from its beginning to its end; nil where they are not known,
// or were others at its end.
func (r *run) stood(ctx context.Context) Grounds {
	if r.on == nil || ctx.Err() != nil {
		return nil
	}
	now, err := r.around(ctx)
	if err != nil {
		r.anew(err)
		return nil
	}
	on := maps.Clone(r.on)
	for name, is := range now {
		if on[name] != is {
			r.anew(fmt.Errorf("the %s changed while it ran", name))
			return nil
		}
	}
	if on[GroundImage] == "" {
		on[GroundImage] = r.subjectID()
	}
	return on
}

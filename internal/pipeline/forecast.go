package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"podproof.dev/podproof/internal/cluster"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// forecast is what would meet a run, by the answers to questions that change nothing.
type forecast struct {
	*run
	stops, inTheWay, demands []string
	images                   []PlannedImage
}

func (f *forecast) stop(err error) { f.stops = append(f.stops, err.Error()) }

func (f *forecast) meets(format string, args ...any) {
	f.inTheWay = append(f.inTheWay, fmt.Sprintf(format, args...))
}

// stopped takes an error of the user's input, with which a run would end, into the plan.
func (f *forecast) stopped(err error) error {
	if errors.As(err, new(*InputError)) {
		f.stop(err)
		return nil
	}
	return err
}

// ask goes through what a run asks before it makes anything, and on where that would end. A cluster
// that podproof would make is not asked.
func (f *forecast) ask(ctx context.Context) (err error) {
	if f.place.Cluster, err = f.Providers[f.Provider].Prepare(ctx, f.preparing()); err != nil {
		if errors.Is(err, cluster.ErrGone) {
			err = &InputError{err}
		}
		// The rest of the plan is made as for any cluster of that kind.
		f.place.Cluster = nowhere{cluster.Facts{Provider: f.Provider, Name: f.Existing, Flag: f.Provider + ":" + f.Existing, Owned: f.Existing == ""}}
		return err
	}
	if f.Existing == "" {
		f.listImages()
		f.doubt(contract.ImageFacts{}) // the image may not be there yet
		return nil
	}
	if err := f.open(ctx); err != nil {
		return err
	}
	f.askImages(ctx)
	if !f.needs(podSections...) {
		return nil
	}
	entitled := len(f.stops)
	if err := f.stopped(f.permitted(ctx)); err != nil {
		return err
	}
	may := len(f.stops) == entitled
	err = f.stopped(f.fits(ctx))
	if apierrors.IsForbidden(err) && !may {
		return nil // as was said
	}
	if err != nil || !may || f.place.applier == nil {
		return err
	}
	return f.askNamespace(ctx)
}

// open reaches the nodes' architecture, and the image.
func (f *forecast) open(ctx context.Context) (err error) {
	if f.pulls() {
		f.info, err = f.machine(ctx)
	} else {
		f.info, err = f.connect(ctx)
	}
	if err != nil {
		return err
	}
	switch err := f.checkImage(ctx); {
	case errors.As(err, new(*InputError)):
		f.stop(err)
	case err != nil && f.pulls():
		f.meets("the image could not be looked at: %s", err)
	case err != nil:
		return err
	default:
		f.doubt(f.declared(ctx))
	}
	return nil
}

// doubt says what of the contract does not fit the manifests and the image.
func (f *forecast) doubt(image contract.ImageFacts) {
	for _, doubt := range f.plan.Doubts(image, f.saw.began) {
		f.Tell.Note(doubt)
	}
}

// askNamespace asks a namespace that is there what it makes of the run's pods. Of one that podproof
// would make there is nothing to ask.
func (f *forecast) askNamespace(ctx context.Context) error {
	controllers, err := workload.Controllers(f.placed())
	if err != nil {
		return err
	}
	if err := f.askPullSecrets(ctx); err != nil || f.Namespace == "" {
		return err
	}
	if f.place.demands, err = f.place.applier.Demands(ctx, f.Namespace); err != nil {
		return err
	}
	f.demands = f.place.demands.Says()
	jobs, err := workload.Jobs(f.placed())
	if err != nil {
		return err
	}
	there, err := f.askPods(ctx, controllers, jobs)
	if err != nil || !there {
		return err
	}
	return f.askNetwork(ctx, controllers)
}

// askPods asks for each pod, in a dry run, what admission says, and sums up what they take. It tells
// whether the namespace is there.
func (f *forecast) askPods(ctx context.Context, controllers, jobs []workload.Controller) (there bool, err error) {
	bed := f.agentBed()
	bed.Trial = "trial"
	type asked struct {
		what string
		pod  *corev1.Pod
		many int32
	}
	var all []asked
	for _, c := range controllers {
		if f.plan.Is(c.Object) {
			bed.Subject = c
		}
		all = append(all, asked{c.String() + ": its pods", f.templatePod(c), max(1, c.Replicas)})
	}
	for _, j := range jobs { // they are over before the trials begin
		all = append(all, asked{j.String() + ": its pod", f.templatePod(j), 0})
	}
	if f.needs(agentSections...) || f.nodeless() {
		all = append(all, asked{"podproof's agent: its pod", bed.AgentPod(f.AgentImage), 1})
	}
	all = append(all, asked{"a trial: its pod", f.known(bed.TrialPod()), 1})
	lacking, err := rights.Missing(ctx, f.place.applier.Client, f.Namespace, []rights.Rule{rights.To("", "pods", "create")})
	if err != nil {
		return true, err
	}
	if len(lacking) > 0 { // a refusal would be about whoever asks, and not about the pods
		f.Tell.Note(fmt.Sprintf("What namespace %s makes of the pods is not known, since you may not create pods there, not even in a dry run", f.Namespace))
		return true, nil
	}
	var shares []workload.Share
	for _, x := range all {
		a, made, err := f.place.applier.Ask(ctx, f.Namespace, x.pod)
		switch {
		case apierrors.IsNotFound(err):
			f.stop(fmt.Errorf("--namespace %s: there is no such namespace; create it, or leave out --namespace, and podproof creates one", f.Namespace))
			return false, nil
		case apierrors.IsBadRequest(errors.Unwrap(err)), apierrors.IsInternalError(errors.Unwrap(err)):
			f.Tell.Note(fmt.Sprintf("%s: whether the cluster takes it is not known: %s", x.what, err))
			made = x.pod
		case err != nil:
			return true, err
		case a.Refused != "":
			f.meets("%s would be refused: %s", x.what, refusal(a.Refused))
			made = x.pod
		case len(a.Altered) > 0:
			f.Tell.Note(fmt.Sprintf("%s would be changed by the cluster on the way in: %s", x.what, strings.Join(a.Altered, "; ")))
		}
		shares = append(shares, workload.Share{Pod: *made, Many: x.many})
	}
	f.inTheWay = append(f.inTheWay, f.place.demands.Short(shares)...)
	return true, nil
}

// templatePod is a pod of a controller's.
func (f *forecast) templatePod(c workload.Controller) *corev1.Pod {
	return f.known(&corev1.Pod{ObjectMeta: *c.Template.ObjectMeta.DeepCopy(), Spec: c.PodSpec()})
}

// known leaves out a service account that the run would make: an admission asks for it.
func (f *forecast) known(p *corev1.Pod) *corev1.Pod {
	if slices.ContainsFunc(f.plan.Objects, func(o workload.Object) bool {
		return o.GetKind() == "ServiceAccount" && o.GetName() == p.Spec.ServiceAccountName
	}) {
		p.Spec.ServiceAccountName = ""
	}
	return p
}

// refusal leaves out of an API server's refusal the name that nobody has given.
func refusal(text string) string {
	_, why, ok := strings.Cut(text, " is forbidden: ")
	if !ok {
		return text
	}
	return why
}

// askNetwork says which of the run's pods the namespace's policies keep from each other.
func (f *forecast) askNetwork(ctx context.Context, controllers []workload.Controller) error {
	if f.OpenNetwork {
		return nil
	}
	n, err := f.place.applier.NetworkOf(ctx, f.Namespace)
	if err != nil {
		return err
	}
	own := func(labels map[string]string) map[string]string {
		out := map[string]string{workload.RunLabel: f.ledger.ID}
		for k, v := range labels {
			out[k] = v
		}
		return out
	}
	cut := false
	say := func(from, to string, by []string) {
		if len(by) > 0 {
			cut = true
			f.meets("%s would not reach %s: %s", from, to, "networkpolicy/"+strings.Join(by, ", networkpolicy/"))
		}
	}
	c := f.plan.Contract
	subject, agent := own(f.plan.Workload.Template.Labels), own(map[string]string{workload.TrialLabel: "agent"})
	if c.Serves() && f.needs(agentSections...) {
		say("podproof's agent", c.Workload, n.Cut(agent, subject, int32(c.HTTP.Port)))
	}
	say(c.Workload, "the cluster's DNS", n.CutFromDNS(subject))
	for _, d := range controllers {
		if !slices.Contains(f.plan.Contract.InCluster(), d.String()) {
			continue
		}
		to := own(d.Template.Labels)
		say(c.Workload, d.String(), n.Cut(subject, to, 0))
		if f.needs(evidence.SectionOutages, evidence.SectionSlow) {
			proxy, behind := own(map[string]string{workload.TrialLabel: "proxy"}), own(map[string]string{workload.TrialLabel: trial.Outages.ID})
			say("a pod of podproof's trials", "podproof's proxy in front of "+d.String(), n.Cut(behind, proxy, 0))
			say("podproof's proxy", d.String(), n.Cut(proxy, to, 0))
		}
	}
	if cut {
		f.meets("--open-network lets the pods of the run talk to each other, by a policy of its own that goes with the run")
	}
	return nil
}

// askPullSecrets says which Secrets the pods' images are pulled with that are not there.
func (f *forecast) askPullSecrets(ctx context.Context) error {
	if !f.pulls() {
		return nil // the nodes have them
	}
	var asked []string
	for _, c := range slices.Concat(f.plan.Controllers, f.plan.Jobs) {
		for _, name := range workload.PullSecretsOf(c.Template.Spec, f.plan.Objects) {
			if slices.Contains(asked, name) || f.ships("Secret", name) {
				continue
			}
			asked = append(asked, name)
			if f.Namespace == "" {
				f.meets("%s pulls its images with secret/%s, which no manifest has, and neither would a namespace that podproof makes: give a --namespace that has it", c, name)
				continue
			}
			is := workload.Unseen
			lacking, err := rights.Missing(ctx, f.place.applier.Client, f.Namespace, []rights.Rule{rights.To("", "secrets", "create")})
			if err == nil && len(lacking) == 0 {
				is, err = f.place.applier.PullSecret(ctx, f.Namespace, name)
			}
			switch {
			case err != nil:
				return err
			case is == workload.Absent:
				f.meets("%s pulls its images with secret/%s, and namespace %s has none of that name: kubectl create secret docker-registry %s -n %s …", c, name, f.Namespace, name, f.Namespace)
			case is == workload.Unseen:
				f.Tell.Note(fmt.Sprintf("%s pulls its images with secret/%s; whether namespace %s has it is not known, since you may not create Secrets there, not even in a dry run", c, name, f.Namespace))
			}
		}
	}
	return nil
}

// ships tells whether the manifests have an object.
func (f *forecast) ships(kind, name string) bool {
	return slices.ContainsFunc(f.plan.Objects, func(o workload.Object) bool { return o.GetKind() == kind && o.GetName() == name })
}

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// entitled is a step of a run with the rights that it needs beyond those of every run, and the
// sections that stay empty without them.
type entitled struct {
	step     string
	sections []evidence.Section
	rules    []rights.Rule
}

// everyRun are the rights of what each run with pods does in a cluster that podproof did not make.
func (r *run) everyRun(of workload.ResourceOf) ([]rights.Rule, error) {
	applied, err := workload.ApplyRights(r.plan.Objects, of)
	if err != nil {
		return nil, err
	}
	out := slices.Concat(workload.ObserveRights(), applied, workload.JobRights(r.plan.Jobs), workload.RoomRights(r.plan.Objects))
	out = append(out,
		rights.To("", "nodes", "list").Anywhere().For("the architecture of the nodes, and how much runs at once").Or("they are taken for ones like podproof's own"),
		rights.To("", "services", "list").Anywhere().For("Services of others that the manifests may name").Or(unseenServices))
	if r.place.Cluster != nil && r.place.Nodes() != nil { // kind's, of which one has the whole
		out = append(out, rights.To("", "nodes", "list", "watch").Anywhere().For("whether a node is Ready"))
	}
	out = append(out, trial.DependencyRights(r.plan)...)
	if r.Namespace != "" {
		return slices.Concat(out, workload.AnchorRights(), workload.NetworkRights(r.OpenNetwork)), nil
	}
	return append(out, workload.NamespaceRights()...), nil
}

// entitled are the steps that need rights of their own, of those that this run has.
func (r *run) entitled() (out []entitled) {
	if r.needs(agentSections...) || r.nodeless() {
		out = append(out, entitled{"agent", agentSections, trial.AgentRights()})
	}
	if r.needs(evidence.SectionAdmission) {
		out = append(out, entitled{"admission", []evidence.Section{evidence.SectionAdmission}, workload.AdmissionRights()})
	}
	for _, t := range trial.List {
		if r.tries(t) {
			out = append(out, entitled{t.ID, t.Sections, t.Needed(r.plan)})
		}
	}
	return out
}

// RightsOptions say of what the rights are wanted.
type RightsOptions struct {
	Contract contract.Contract
	Image    string
	Selected []check.Check
	// Namespace is one that is there, and stays; empty for a run that makes its own.
	Namespace string
	// OpenNetwork is Options.OpenNetwork.
	OpenNetwork bool
}

// Rights are what a run of a selection asks of a cluster that podproof did not make. They are
// none where it needs no pods. Refused says which objects such a run does not apply.
func Rights(o RightsOptions) (rules []rights.Rule, refused []string, err error) {
	r := &run{Options: Options{Contract: o.Contract, Image: o.Image, Namespace: o.Namespace, OpenNetwork: o.OpenNetwork, Selected: check.Without(o.Selected, o.Contract.Skip)}}
	if !r.needs(podSections...) {
		return nil, nil, nil
	}
	r.plan, err = subject.Read(o.Contract, subject.Options{Image: o.Image, Pods: true, Namespace: o.Namespace})
	if err != nil {
		return nil, nil, &InputError{err}
	}
	for _, x := range r.plan.Objects {
		if _, wide, _ := workload.GuessResource(x); wide && x.GetKind() != "Namespace" {
			refused = append(refused, fmt.Sprintf("%s (%s)", x, x.Source))
		}
	}
	rules, err = r.everyRun(workload.GuessResource)
	if err != nil {
		return nil, nil, &InputError{err}
	}
	for _, e := range r.entitled() {
		rules = append(rules, e.rules...)
	}
	return rights.Union(rules), refused, nil
}

// permitted asks, before anything is made, whether the run may do what it does in a cluster that
// podproof did not make. Where that leaves nothing to try, the error is an *InputError with the
// rules that are missing; what only some steps lack is their error alone.
func (r *run) permitted(ctx context.Context) error {
	if r.place.About().Owned || !r.needs(podSections...) {
		return nil
	}
	applier, err := workload.NewApplier(r.place.REST())
	if err != nil {
		return err
	}
	every, err := r.everyRun(applier.Resource)
	if errors.As(err, new(*workload.ManifestError)) {
		return &InputError{err}
	}
	if err != nil {
		return err
	}
	steps := r.entitled()
	all := slices.Clone(every)
	for _, e := range steps {
		all = append(all, e.rules...)
	}
	denied, err := rights.Missing(ctx, applier.Client, r.namespace(), all)
	if apierrors.IsForbidden(err) {
		r.Tell.Note("Whether this run has the rights that it needs is not known: " + err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	lacking := rights.Required(rights.Common(every, denied))
	none := len(lacking) > 0
	var without []evidence.Section
	r.lacks = map[string]error{}
	for _, e := range steps {
		if l := rights.Required(rights.Common(e.rules, denied)); len(l) > 0 {
			lacking = append(lacking, l...)
			without = append(without, e.sections...)
			r.lacks[e.step] = fmt.Errorf("this run may not %s: %s prints the role that it needs", said(l), r.rightsCommand())
		}
	}
	if none || len(lacking) > 0 && !r.decides(without) {
		return &InputError{r.unentitled(ctx, applier, rights.Union(lacking))}
	}
	r.lacking = rights.Union(lacking)
	return nil
}

// tellLacking says what only some steps lack.
func (r *run) tellLacking() {
	if len(r.lacking) > 0 {
		r.Tell.Note(fmt.Sprintf("This run may not %s, so what needs that is not tried: %s prints the role that it needs", said(r.lacking), r.rightsCommand()))
	}
}

// decides tells whether a selected check that needs pods can do without these sections.
func (r *run) decides(without []evidence.Section) bool {
	return slices.ContainsFunc(r.Selected, func(c check.Check) bool {
		in := func(list []evidence.Section) bool {
			return slices.ContainsFunc(c.Needs, func(s evidence.Section) bool { return slices.Contains(list, s) })
		}
		return in(podSections) && !in(without)
	})
}

// said are rules as a sentence has them.
func said(rules []rights.Rule) string {
	var out []string
	for _, r := range rules {
		out = append(out, r.String())
	}
	return strings.Join(out, "; ")
}

// rightsCommand is what prints all rules of the selection.
func (r *run) rightsCommand() string {
	if r.RightsCommand == "" {
		return "`podproof rbac`"
	}
	return "`" + r.RightsCommand + "`"
}

// unentitled says which rules are missing, and has the roles that add them, ready to paste.
func (r *run) unentitled(ctx context.Context, applier *workload.Applier, lacking []rights.Rule) error {
	who, err := rights.Who(ctx, applier.Client)
	if err != nil {
		r.Debug(err.Error()) // the roles are worth something without their bindings, too
	}
	// By the name of those that `podproof rbac` prints, these would take the place of theirs.
	g := rights.Grant{Name: "podproof-missing", Namespace: r.Namespace, To: who}
	name := "whoever runs it"
	if who != nil {
		name = strings.ToLower(who.Kind) + " " + strings.TrimPrefix(who.Namespace+"/"+who.Name, "/")
	}
	return fmt.Errorf("%s lacks rights in --cluster %s that this run needs (nothing was made there):\n%s\nHave somebody who may apply that, or all that this selection needs:\n  %s | kubectl apply -f -",
		name, r.place.About().Flag, g.YAML(lacking), strings.Trim(r.rightsCommand(), "`"))
}

// withoutRights has the steps that lack a right say so, instead of what they would do. What nobody is
// asked of needs none.
func (r *run) withoutRights(steps []step) []step {
	for i, s := range steps {
		lack, ok := r.lacks[s.id]
		if !ok {
			continue
		}
		fails := func(context.Context) error { return lack }
		t := slices.IndexFunc(trial.List, func(t trial.Trial) bool { return t.ID == s.id })
		if s.id == "agent" || t >= 0 && trial.List[t].Needs.Has(trial.NeedServing) {
			fails = r.asking(fails)
		}
		steps[i].name, steps[i].run = "", fails
	}
	return steps
}

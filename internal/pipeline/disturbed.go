package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/trial"
	"podproof.dev/podproof/internal/workload"
)

// disturbed says why nothing follows from what a trial has seen since it began, nil where it does: the
// API server was away, or somebody took away a pod that it stands on. The zero Trial is a step before
// all trials, which stands on the dependencies and the workload.
func (r *run) disturbed(since time.Time, t trial.Trial) error {
	if r.place.applier == nil {
		return nil
	}
	if why := r.place.applier.Line.Lost(since); why != "" && (t.Watches || t.ID == "") {
		return errors.New(why)
	}
	r.place.mu.Lock()
	observers := slices.Clone(r.place.observers)
	r.place.mu.Unlock()
	for i, o := range observers {
		home := i == 0 // the run's first namespace
		why := o.Disrupted(since, !home, func(p *corev1.Pod) bool {
			switch of := p.Labels[workload.TrialLabel]; of {
			case "agent":
				return t.Needs.Has(trial.NeedAgent) || t.Needs.Has(trial.NeedLook) && r.nodeless()
			case "proxy": // it stands in for a dependency
				return t.TakesAway
			case "": // dependencies and the workload; a namespace of a trial's own has them once more
				return home || t.TakesAway
			default:
				return of == t.ID
			}
		})
		if why != "" {
			return fmt.Errorf("%s, while this was tried: that is not the image's doing; run podproof again when nobody drains nodes or ends pods of the run", why)
		}
	}
	return nil
}

// How long a run goes on without its API server. A kubeconfig's tokenFile is read again after a
// minute (k8s.io/client-go/transport, token_source.go), and a control plane of one node is restarted in two.
var (
	deniedFor = 75 * time.Second
	awayFor   = 3 * time.Minute
)

// lookForServer is how often it is looked whether the API server is there.
const lookForServer = time.Second

// whileHeard is the context of a run, which ends when the API server is gone for good: all that is
// waited for would be waited for in vain.
func (r *run) whileHeard(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(lookForServer)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				if why := r.unheard(now); why != "" {
					cancel(&Stopped{By: why})
					return
				}
			}
		}
	}()
	return ctx, cancel
}

// unheard says why a run ends without its API server, empty where it goes on.
func (r *run) unheard(now time.Time) string {
	r.place.mu.Lock()
	applier := r.place.applier
	r.place.mu.Unlock()
	if applier == nil {
		return ""
	}
	long, denied, why := applier.Line.Down(now)
	if denied && long >= deniedFor || !denied && long >= awayFor {
		return why
	}
	return ""
}

// leftText says what a run has left in a cluster that stays, and how to remove it.
func (r *run) leftText(err error) string {
	about := r.place.About()
	if about.Owned {
		return "Cleaning up left something behind; the next run, or `podproof clean`, tries again: " + err.Error()
	}
	what, command := "namespace "+strings.Join(r.ledger.Made.Namespaces, ", "), "podproof clean "+r.ledger.ID
	if r.Namespace != "" {
		what = "podproof's objects in namespace " + r.Namespace
	}
	if r.pulls() { // any machine can do that, with any credentials
		command = "podproof clean --cluster " + about.Flag
		if r.Kubeconfig != "" {
			command += " --kubeconfig " + r.Kubeconfig
		}
		if r.Namespace != "" {
			command += " -n " + r.Namespace
		}
		command += " " + r.ledger.ID
	}
	return fmt.Sprintf("Cleaning up left %s behind, in --cluster %s. Remove it, once the cluster answers you, with:\n  %s\n%s", what, about.Flag, command, err)
}

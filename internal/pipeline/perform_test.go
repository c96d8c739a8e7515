package pipeline

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

// untilEnded is a step that waits for something for ever.
func untilEnded(ctx context.Context) error {
	<-ctx.Done()
	return &workload.WaitError{Cause: context.Cause(ctx), Seen: "1 of 2 pods Ready"}
}

func one(s evidence.Section) []evidence.Section { return []evidence.Section{s} }

func TestStepsTimeLeavesTheOthers(t *testing.T) {
	out := conduct(t.Context(), time.Now(), []step{
		{id: "rollouts", name: "Rolling out", within: time.Millisecond, sections: one(evidence.SectionRollouts), run: untilEnded},
		{id: "health", behind: []string{"rollouts"}, sections: one(evidence.SectionHealth), run: nothing},
		{id: "identity", after: []string{"rollouts"}, sections: one(evidence.SectionIdentity), run: nothing},
	}, &script{}, never)
	why := "Rolling out was given up after the 1ms that it may take"
	want := map[evidence.Section]string{evidence.SectionRollouts: why + "; last seen: 1 of 2 pods Ready", evidence.SectionIdentity: why + "; last seen: 1 of 2 pods Ready"}
	if diff := cmp.Diff(want, out.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if out.cut || out.fatal != nil {
		t.Errorf("the end of one step's time ended the run: %+v", out)
	}
}

// What a step starts, such as a watch, is there for those that come after it.
func TestStepsContextOutlivesIt(t *testing.T) {
	var first context.Context
	out := conduct(t.Context(), time.Now(), []step{
		{id: "startup", within: time.Minute, run: func(ctx context.Context) error { first = ctx; return nil }},
		{id: "health", after: []string{"startup"}, within: time.Minute, run: func(context.Context) error { return first.Err() }},
	}, &script{}, never)
	if diff := cmp.Diff(map[string]string{"startup": "", "health": ""}, outcomes(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first.Err() == nil {
		t.Error("it outlives the run, too")
	}
}

func TestStepThatDoesNotEndIsLeft(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	out := conduct(t.Context(), time.Now(), []step{
		{id: "load", within: time.Millisecond, sections: one(evidence.SectionImage), run: func(context.Context) error { <-hold; return nil }},
	}, &script{}, never)
	want := map[evidence.Section]string{evidence.SectionImage: "the step load was given up after the 1ms that it may take; it was at: it did not end when it was asked to"}
	if diff := cmp.Diff(want, out.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

func TestStoppedRunTellsWhatWasUnderWayFromWhatWasNot(t *testing.T) {
	ctx, stop := context.WithCancelCause(t.Context())
	began := make(chan struct{})
	out := conduct(ctx, time.Now(), []step{
		{id: "health", sections: one(evidence.SectionHealth), run: nothing},
		{id: "termination", after: []string{"health"}, sections: one(evidence.SectionTermination), run: func(ctx context.Context) error {
			<-began
			stop(&Stopped{By: "--timeout of 7m0s"})
			return untilEnded(ctx)
		}},
		{id: "rollouts", behind: []string{"termination"}, sections: one(evidence.SectionRollouts), run: nothing},
		// One that says nothing of its context's end has not seen all the same.
		{id: "outages", after: []string{"health"}, sections: one(evidence.SectionOutages), run: func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return nil
		}},
	}, &script{}, never)
	want := map[evidence.Section]string{
		evidence.SectionTermination: "stopped while it was tried: --timeout of 7m0s; last seen: 1 of 2 pods Ready",
		evidence.SectionRollouts:    "stopped before it was tried: --timeout of 7m0s",
		evidence.SectionOutages:     "stopped while it was tried: --timeout of 7m0s",
	}
	if diff := cmp.Diff(want, out.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if !out.cut {
		t.Error("nobody tells that the run was cut off")
	}
}

func TestWhatACutOffStepSawIsNotTakenDown(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r := &run{}
	r.seen(ctx, func(e *evidence.Evidence) { e.Health = &evidence.Health{URL: "whole"} })
	stop()
	r.seen(ctx, func(e *evidence.Evidence) { e.Startup = &evidence.Startup{} })
	if r.saw.e.Health == nil || r.saw.e.Startup != nil {
		t.Errorf("%+v", r.saw.e)
	}
}

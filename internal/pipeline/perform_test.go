package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
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

// What a step that was cut off says of itself is told, but for what says no more than that.
func TestWhyAStepWasCutOff(t *testing.T) {
	late := &overdue{step{id: "x", within: time.Minute}}
	const given = "the step x was given up after the 1m0s that it may take"
	for _, c := range []struct {
		name        string
		cause, said error
		want        string
	}{
		{"it said nothing", late, nil, given},
		{"it was at something", late, errBroken, given + "; it was at: the disk is full"},
		{"only that its context ended", late, context.Canceled, given},
		{"or its time was over", late, context.DeadlineExceeded, given},
		{"or the cause", late, fmt.Errorf("waiting: %w", late), given},
		{"it waited", late, &workload.WaitError{Cause: late, Seen: "1 of 2"}, given + "; last seen: 1 of 2"},
		{"the run was stopped", &Stopped{By: "SIGTERM"}, errBroken, "stopped while it was tried: SIGTERM"},
		{"another cause", errBroken, errors.New("x"), "the disk is full"},
	} {
		if got := cutOff(c.cause, c.said); got.Error() != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := untried(errBroken); got != errBroken {
		t.Errorf("got %v", got)
	}
}

// Steps that go on after they were told to end are waited for, for a time.
func TestStepsThatEndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		began := time.Now()
		out := conduct(t.Context(), time.Now(), []step{
			{id: "load", within: time.Second, run: func(context.Context) error { <-hold; return nil }},
		}, &script{}, never)
		if took := time.Since(began); took != time.Second+letGo {
			t.Errorf("the run went on after %s", took)
		}
		if out.ended(time.Second) {
			t.Error("it is taken to have ended")
		}
		close(hold)
		if !out.ended(time.Second) {
			t.Error("it has ended")
		}
		synctest.Wait()
	})
	synctest.Test(t, func(t *testing.T) { // one that ends a moment later has said something
		out := conduct(t.Context(), time.Now(), []step{
			{id: "load", within: time.Second, sections: one(evidence.SectionImage), run: func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second)
				return errBroken
			}},
		}, &script{}, never)
		if why := out.missing[evidence.SectionImage]; !strings.HasSuffix(why, "it was at: the disk is full") || len(out.steps) != 1 || out.steps[0].Seconds != 2 {
			t.Errorf("%q, %+v", why, out.steps)
		}
	})
}

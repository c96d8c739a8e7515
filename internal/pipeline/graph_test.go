package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

// script is a Teller that writes down what it is told; steps write into it, too.
type script struct {
	mu    sync.Mutex
	lines []string
}

func (s *script) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *script) StepTo(name, ended string) func(error) {
	s.add(name)
	return func(err error) {
		if err != nil {
			ended = err.Error()
		}
		s.add(ended)
	}
}

func (s *script) StepWithin(name, ended string, _, _ time.Duration) func(error) {
	return s.StepTo(name, ended)
}

func (s *script) Waiting(string) {}
func (s *script) Begin(string)   {}
func (s *script) Note(string)    {}

func never(error) bool { return false }

func nothing(context.Context) error { return nil }

func failing(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

// outcomes are the steps that were tried, with what became of them.
func outcomes(o outcome) map[string]string {
	out := map[string]string{}
	for _, s := range o.steps {
		out[s.Name] = s.Error
	}
	return out
}

func TestStepsWaitForThoseBefore(t *testing.T) {
	var s script
	add := func(context.Context) error { s.add("third"); return nil }
	out := conduct(t.Context(), time.Now(), []step{
		{id: "c", after: []string{"b", "not in this run"}, behind: []string{"a"}, run: add},
		{id: "b", after: []string{"a"}, name: "Doing b", ended: "Done b", run: nothing},
		{id: "a", name: "Doing a", ended: "Done a", run: nothing},
	}, &s, never)
	if diff := cmp.Diff([]string{"Doing a", "Done a", "Doing b", "Done b", "third"}, s.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if out.fatal != nil || len(out.missing) != 0 {
		t.Errorf("fatal %v, missing %v", out.fatal, out.missing)
	}
	if diff := cmp.Diff(map[string]string{"a": "", "b": "", "c": ""}, outcomes(out)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	after := map[string][]string{}
	for _, s := range out.steps {
		after[s.Name] = s.After
	}
	if diff := cmp.Diff(map[string][]string{"a": nil, "b": {"a"}, "c": {"b", "a"}}, after); diff != "" {
		t.Errorf("what each waited for (-want +got):\n%s", diff)
	}
}

// Each of the two ends only when the other has begun.
func TestStepsRunSideBySide(t *testing.T) {
	meet := make(chan struct{})
	conduct(t.Context(), time.Now(), []step{
		{id: "a", run: func(context.Context) error { meet <- struct{}{}; return nil }},
		{id: "b", run: func(context.Context) error { <-meet; return nil }},
	}, &script{}, never)
}

func TestStepsThatARunDoesWithoutAreNotWaitedFor(t *testing.T) {
	ran := false
	conduct(t.Context(), time.Now(), []step{
		{id: "save", after: []string{"build"}, run: func(context.Context) error { ran = true; return nil }},
	}, &script{}, never)
	if !ran {
		t.Error("the step did not run")
	}
}

func TestFailureLeavesWhatComesAfterMissing(t *testing.T) {
	root := errors.New("the disk is full")
	untried := func(context.Context) error { t.Error("a step ran after one that failed"); return nil }
	out := conduct(t.Context(), time.Now(), []step{
		{id: "build", sections: one(evidence.SectionBuild), run: nothing},
		{id: "cluster", sections: one(evidence.SectionCluster), run: failing(root)},
		{id: "load", after: []string{"build", "cluster"}, run: untried},
		{id: "startup", after: []string{"load"}, sections: []evidence.Section{evidence.SectionStartup, evidence.SectionWorkload}, run: untried},
		{id: "health", after: []string{"startup"}, sections: one(evidence.SectionHealth), run: untried},
		{id: "inspect", after: []string{"build"}, sections: one(evidence.SectionImage), run: nothing},
	}, &script{}, never)
	want := map[evidence.Section]string{}
	for _, s := range []evidence.Section{evidence.SectionCluster, evidence.SectionStartup, evidence.SectionWorkload, evidence.SectionHealth} {
		want[s] = root.Error()
	}
	if diff := cmp.Diff(want, out.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"build": "", "cluster": root.Error(), "inspect": ""}, outcomes(out)); diff != "" {
		t.Errorf("steps that were tried (-want +got):\n%s", diff)
	}
	if out.fatal != nil {
		t.Errorf("it ended all: %v", out.fatal)
	}
}

func TestErrorThatEndsAll(t *testing.T) {
	wrong := errors.New("the manifests are wrong")
	began := make(chan struct{})
	out := conduct(t.Context(), time.Now(), []step{
		{id: "apply", sections: []evidence.Section{evidence.SectionStartup}, run: func(context.Context) error { <-began; return wrong }},
		{id: "cluster", sections: []evidence.Section{evidence.SectionCluster}, run: func(ctx context.Context) error {
			close(began)
			<-ctx.Done()
			return errors.New("signal: killed") // what a command says that was cut off
		}},
		{id: "load", after: []string{"cluster"}, sections: []evidence.Section{evidence.SectionHealth}, run: nothing},
	}, &script{}, func(err error) bool { return errors.Is(err, wrong) })
	if out.fatal != wrong {
		t.Errorf("the end was %v, want %v", out.fatal, wrong)
	}
	want := map[evidence.Section]string{}
	for _, s := range []evidence.Section{evidence.SectionStartup, evidence.SectionCluster, evidence.SectionHealth} {
		want[s] = wrong.Error()
	}
	if diff := cmp.Diff(want, out.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

func TestInterruptEndsAll(t *testing.T) {
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	out := conduct(ctx, time.Now(), []step{
		{id: "cluster", sections: []evidence.Section{evidence.SectionCluster}, run: func(ctx context.Context) error {
			cancel(interrupted)
			return ctx.Err()
		}},
		{id: "health", after: []string{"cluster"}, sections: []evidence.Section{evidence.SectionHealth}, run: nothing},
	}, &script{}, never)
	want := map[evidence.Section]string{evidence.SectionCluster: "interrupted", evidence.SectionHealth: "interrupted"}
	if diff := cmp.Diff(want, out.missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

func TestPanicIsAnErrorOfItsStep(t *testing.T) {
	var s script
	out := conduct(t.Context(), time.Now(), []step{
		{id: "identity", name: "Asking", ended: "Asked", sections: []evidence.Section{evidence.SectionIdentity},
			run: func(context.Context) error { panic("no process") }},
		{id: "health", run: nothing},
	}, &s, never)
	why := out.missing[evidence.SectionIdentity]
	if !strings.Contains(why, `"identity"`) || !strings.Contains(why, "no process") {
		t.Errorf("the section is missing because: %q", why)
	}
	if diff := cmp.Diff(map[string]string{"identity": why, "health": ""}, outcomes(out)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Asking", why}, s.lines); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A step that only must not disturb another goes on when that fails.
func TestStepsGoOnBehindOneThatFailed(t *testing.T) {
	var s script
	conduct(t.Context(), time.Now(), []step{
		{id: "rollouts", behind: []string{"resources", "not in this run"}, run: func(context.Context) error { s.add("rolled out"); return nil }},
		{id: "resources", run: func(context.Context) error { s.add("measured"); return errors.New("no control group") }},
	}, &s, never)
	if diff := cmp.Diff([]string{"measured", "rolled out"}, s.lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

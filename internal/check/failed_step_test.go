package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// brokenOff is a run of which a step failed, and left sections missing.
func brokenOff(step, why string, left ...evidence.Section) evidence.Evidence {
	e := evidence.Evidence{Missing: map[evidence.Section]string{},
		Steps: []evidence.Step{{Name: "node"}, {Name: step, Error: why}, {Name: "inspect", Error: "no space left on device"}}}
	for _, s := range left {
		e.Missing[s] = why
	}
	return e
}

func TestFixNamesTheStepThatFailed(t *testing.T) {
	const s = evidence.SectionHealth
	for _, x := range []struct {
		name string
		e    evidence.Evidence
		want string
	}{
		{"dependencies", brokenOff("dependencies", "statefulset/postgres did not become ready: CrashLoopBackOff", s), "Starting the dependencies failed"},
		{"no Ready pod", brokenOff("ready", "deployment/api did not become Ready; see startup/ready", s), "Fix startup/ready first"},
		{"the trial itself", brokenOff("health", "no Service leads to port 8000", s), "The step health of the run failed"},
		{"a step that is not known here", brokenOff("teleport", "no beam", s), "The step teleport of the run failed"},
		{"no step tells of it", evidence.Evidence{Missing: map[evidence.Section]string{s: "the cluster did not start"}}, runAgain},
		{"the build", evidence.Evidence{Build: &evidence.Build{Error: "exit code: 1"}, Missing: map[evidence.Section]string{s: "the image was not built"}}, "Fix the build first"},
		{"a run that was stopped", func() evidence.Evidence {
			e := brokenOff("health", "stopped while it was tried: SIGTERM", s)
			e.Run.CutOff = "SIGTERM"
			return e
		}(), "Let podproof run to its end"},
		{"another section", brokenOff("dependencies", "it did not start", evidence.SectionStartup), "kept without what the check needs"},
	} {
		j := inconclusive(x.e, s, "it answers")
		if j.Status != Inconclusive || !strings.Contains(j.Fix, x.want) || j.Promised != "it answers" {
			t.Errorf("%s: %s: %s", x.name, j.Seen, j.Fix)
		}
	}
}

// The step that failed is told alike by every check that it left without evidence: a report tells
// it once.
func TestOneStepIsOneReason(t *testing.T) {
	why := "statefulset/postgres did not become ready: no pod was made"
	e := brokenOff("dependencies", why, evidence.SectionStartup, evidence.SectionWorkload, evidence.SectionHealth, evidence.SectionIdentity, evidence.SectionTermination,
		evidence.SectionRequiredEnv, evidence.SectionMalformedEnv, evidence.SectionResources, evidence.SectionInFlight, evidence.SectionRollouts, evidence.SectionOutages,
		evidence.SectionOutageTermination, evidence.SectionEarlyTermination, evidence.SectionReadOnlyRoot, evidence.SectionArbitraryUID)
	n := 0
	for _, v := range Judge(Catalogue(), goodContract(), e) {
		if v.Status != Inconclusive || v.Seen != why {
			continue
		}
		n++
		if want := stepFixes["dependencies"]; v.Fix != want {
			t.Errorf("%s: %s", v.Check.ID, v.Fix)
		}
	}
	if n < 20 {
		t.Errorf("only %d checks tell of the step", n)
	}
}

// A step with another name would lose its fix in silence.
func TestStepFixesAreOfStepsThatThereAre(t *testing.T) {
	files, err := filepath.Glob("../pipeline/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of the pipeline: %v", err)
	}
	var all strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for step := range stepFixes {
		if !strings.Contains(all.String(), `step{id: "`+step+`"`) {
			t.Errorf("the pipeline has no step %q", step)
		}
	}
}

// An end that was not seen has different causes, and each its own fix.
func TestAnEndThatWasNotSeen(t *testing.T) {
	for want, change := range map[string]func(*evidence.Termination){
		"Fix startup/ready first":    func(t *evidence.Termination) { t.WasRunning = false },
		"see what keeps the pod":     func(t *evidence.Termination) { t.Exited, t.Last = false, nil },
		"the machine has less to do": func(t *evidence.Termination) { t.Last.Reason = "ContainerStatusUnknown" },
	} {
		end := goodTermination()
		change(end)
		e := with(func(e *evidence.Evidence) {
			e.Termination, e.EarlyTermination, e.InFlight, e.OutageTermination, e.Rollouts = end, end, end, end, nil
		})
		for _, judged := range []func(contract.Contract, evidence.Evidence) Judgement{
			judgeTerminationExitZero, judgeTerminationDuringStartup, judgeRequestsInFlight, judgeRefusesLate, judgeExitUnderOutage} {
			if j := judged(goodContract(), e); j.Status != Inconclusive || !strings.Contains(j.Fix, want) {
				t.Errorf("%s: %s: %s", j.Status, j.Seen, j.Fix)
			}
		}
	}
}

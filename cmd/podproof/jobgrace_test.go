package main

import (
	"testing"
	"time"

	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
)

// A Job's pod that is told to stop has the time to tell what it knows, and to remove what it made; then comes SIGKILL.
// Who removes the Job waits at least as long.
func TestAJobsPodHasTheTimeToCleanUp(t *testing.T) {
	grace := time.Duration(*job.Spec{}.Objects().Job.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	if need := tellWithin + pipeline.CleanupWithin; grace <= need || removeWithin <= grace {
		t.Errorf("it has %s, and may need %s; its removal has %s", grace, need, removeWithin)
	}
}

package check

import (
	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var missingEnvExamples = []example{
	{name: "each is named", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Missing-env-var exit check OK"}},
	{name: "named in the termination message", c: goodContract(), want: Pass, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log, t.Last.Message = nil, "missing: OWNER_USERNAME"
	})},
	{name: "named as pydantic does", c: goodContract(), want: Pass, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "owner_username"}, {Text: "  Field required [type=missing]"}}
	})},
	{name: "not set by the manifests", c: goodContract(), want: Pass, says: []string{"do not set it at all"}, e: trial(func(t *evidence.EnvTrial) { t.From = "" })},
	{name: "became Ready", c: goodContract(), want: Fail, says: []string{"without OWNER_USERNAME", "became Ready"}, hides: []string{"without JWT_SECRET_KEY the"},
		e: trial(func(t *evidence.EnvTrial) { t.BecameReady, t.Exited, t.Last = true, false, nil })},
	{name: "runs on", c: goodContract(), want: Fail, says: []string{"still ran after 30.0 s"}, e: trial(func(t *evidence.EnvTrial) {
		t.Exited, t.Last, t.Seconds = false, nil, 30
	})},
	{name: "exit 0", c: goodContract(), want: Fail, says: []string{"exited with 0"}, e: trial(func(t *evidence.EnvTrial) { t.Last.ExitCode = 0 })},
	{name: "late", c: goodContract(), want: Fail, says: []string{"only after 31.0 s"}, e: trial(func(t *evidence.EnvTrial) { t.Seconds = 31 })},
	{name: "not named", c: goodContract(), want: Fail, says: []string{"does not name the variable", "KeyError"}, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "KeyError: 'OWNER' while password=" + planted}}
	})},
	{name: "another variable is named", c: goodContract(), want: Fail, e: trial(func(t *evidence.EnvTrial) {
		t.Pod.Log = []evidence.LogLine{{Text: "missing: OWNER_USERNAME_2, X_OWNER_USERNAME"}}
	})},
	{name: "the image sets it", c: goodContract(), want: Fail, says: []string{"the image's own ENV", "Remove ENV OWNER_USERNAME"},
		e: trial(func(t *evidence.EnvTrial) { t.ImageSets = true })},
	{name: "one fails, one is open", c: goodContract(), want: Fail, says: []string{"undecided: no room"}, e: with(func(e *evidence.Evidence) {
		e.RequiredEnv.Trials[0].Problem = "no room"
		e.RequiredEnv.Trials[1].BecameReady = true
	})},
	{name: "trial with a problem", c: goodContract(), want: Inconclusive, says: []string{"OWNER_USERNAME: the pod was evicted"},
		e: trial(func(t *evidence.EnvTrial) { t.Problem = "the pod was evicted" })},
	{name: "container not started", c: goodContract(), want: Inconclusive, says: []string{"CreateContainerConfigError"}, e: trial(func(t *evidence.EnvTrial) {
		t.Exited, t.Last = false, nil
		waits("CreateContainerConfigError", `secret "api" not found`)(&t.Pod)
	})},
	{name: "could not be executed", c: goodContract(), want: Inconclusive, e: trial(func(t *evidence.EnvTrial) {
		t.Last = &corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: "exec format error"}
	})},
	{name: "crashes also with all of them", c: goodContract(), want: Inconclusive, says: []string{"so does the workload"}, e: func() evidence.Evidence {
		e := pods(crashes(corev1.ContainerStateTerminated{ExitCode: 1}))
		e.RequiredEnv.Trials[1].Pod.Log = nil
		return e
	}()},
	{name: "a trial is missing", c: goodContract(), want: Inconclusive, says: []string{"OWNER_USERNAME: no trial"},
		e: with(func(e *evidence.Evidence) { e.RequiredEnv.Trials = e.RequiredEnv.Trials[:1] })},
	{name: "none required", c: contractWith(func(c *contract.Contract) { c.Env.Required = nil }), e: goodEvidence(), want: Skipped, says: []string{"names no env.required"}},
	{name: "not observed", c: goodContract(), e: without(evidence.SectionRequiredEnv, func(e *evidence.Evidence) { e.RequiredEnv = nil }), want: Inconclusive},
}

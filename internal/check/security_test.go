package check

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var restrictedExamples = []example{
	{name: "restricted", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"Pod Security restricted OK"}},
	{name: "may escalate", c: goodContract(), want: Fail, says: []string{"allowPrivilegeEscalation", "container \"api\""},
		e: container(func(c *corev1.Container) { c.SecurityContext.AllowPrivilegeEscalation = nil })},
	{name: "keeps capabilities", c: goodContract(), want: Fail, says: []string{"unrestricted capabilities"},
		e: container(func(c *corev1.Container) { c.SecurityContext.Capabilities = nil })},
	{name: "host network", c: goodContract(), want: Fail, says: []string{"hostNetwork"},
		e: with(func(e *evidence.Evidence) { e.Workload.Template.Spec.HostNetwork = true })},
	{name: "no seccomp", c: goodContract(), want: Fail, says: []string{"seccompProfile"},
		e: with(func(e *evidence.Evidence) { e.Workload.Template.Spec.SecurityContext.SeccompProfile = nil })},
	{name: "the API server knows more", c: goodContract(), want: Fail, says: []string{"the cluster's API server", "windows"}, e: admission(
		evidence.Admission{Warnings: []string{`would violate PodSecurity "restricted:latest": windows`}})},
	{name: "another warning", c: goodContract(), want: Pass, e: admission(evidence.Admission{Warnings: []string{"spec.x: deprecated"}})},
	{name: "enforced", c: goodContract(), want: Fail, e: admission(evidence.Admission{Refused: `pods "x" is forbidden: violates PodSecurity "restricted:latest"`})},
	{name: "refused otherwise", c: goodContract(), want: Inconclusive, says: []string{"exceeded quota"}, e: admission(evidence.Admission{Refused: "exceeded quota"})},
	{name: "not asked, not allowed", c: goodContract(), want: Fail, e: with(func(e *evidence.Evidence) {
		e.Admission, e.Workload.Template.Spec.Containers[0].SecurityContext.Capabilities = nil, nil
	})},
	{name: "not asked", c: goodContract(), want: Inconclusive, e: without(evidence.SectionAdmission, func(e *evidence.Evidence) { e.Admission = nil })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionWorkload, func(e *evidence.Evidence) { e.Workload = nil })},
}

func admission(a evidence.Admission) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Admission = &a })
}

// admitted adds a volume and its mount to the first pod, as admission does.
func admitted(source corev1.VolumeProjection, at string) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		p := &e.Startup.Pods[0]
		p.Spec.ServiceAccountName = "default"
		p.Spec.Volumes = []corev1.Volume{{Name: "kube-api-access-x", VolumeSource: corev1.VolumeSource{
			Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{source}}}}}
		p.Spec.Containers = []corev1.Container{{Name: "api", VolumeMounts: []corev1.VolumeMount{{Name: "kube-api-access-x", MountPath: at}}}}
	})
}

var (
	apiToken     = corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}
	foreignToken = corev1.VolumeProjection{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", Audience: "vault"}}
)

var noTokenExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass},
	{name: "in the mount table", c: goodContract(), want: Fail, says: []string{"PID 1", "/run/secrets/kubernetes.io/serviceaccount, though"},
		e: with(func(e *evidence.Evidence) {
			e.Identity.Processes[0].Mounts = []string{"/", "/proc", "/run/secrets/kubernetes.io/serviceaccount"}
		})},
	{name: "mount table not read", c: goodContract(), want: Pass, says: []string{"not read", "the cluster did not start"},
		e: without(evidence.SectionIdentity, func(e *evidence.Evidence) { e.Identity = nil })},
	{name: "mounted by default", c: goodContract(), e: admitted(apiToken, tokenPath), want: Fail, says: []string{"service account default", tokenPath, "pod api-1, container api"}},
	{name: "mounted elsewhere", c: goodContract(), e: admitted(apiToken, "/token"), want: Fail},
	{name: "for another audience", c: goodContract(), e: admitted(foreignToken, "/vault"), want: Pass},
	{name: "used", c: contractWith(func(c *contract.Contract) { c.Identity.ServiceAccountToken = true }), e: admitted(apiToken, tokenPath), want: Skipped},
	{name: "no pod", c: goodContract(), want: Inconclusive, says: []string{"no mounts were seen"}, e: with(func(e *evidence.Evidence) { e.Startup.Pods = nil })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionStartup, func(e *evidence.Evidence) { e.Startup = nil })},
}

// deniedPod did not get Ready, and says why.
func deniedPod(line string) evidence.Pod {
	p := goodPod("podproof-variant")
	notReady(&p)
	p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}}
	p.Log = []evidence.LogLine{{Text: line}}
	return p
}

var readOnlyRootExamples = []example{
	{name: "tried", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"not asked for yet", "add readOnlyRootFilesystem: true"}},
	{name: "asked for", c: goodContract(), want: Pass, says: []string{"the manifest asks for it"},
		e: container(func(c *corev1.Container) { c.SecurityContext.ReadOnlyRootFilesystem = ptr(true) })},
	{name: "asked for, and no pod", c: goodContract(), want: Inconclusive, says: []string{"no pod was started"}, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = ptr(true)
		e.Startup.Pods = nil
	})},
	{name: "asked for, not Ready", c: goodContract(), want: Inconclusive, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = ptr(true)
		e.Startup.Ready = false
	})},
	{name: "writes", c: goodContract(), want: Fail, says: []string{"Read-only file system: '/app/cache'", "exit code 1"}, e: with(func(e *evidence.Evidence) {
		e.ReadOnlyRoot = &evidence.Variant{Seconds: 3, Pod: deniedPod("OSError: [Errno 30] Read-only file system: '/app/cache'")}
	})},
	{name: "nothing gets Ready", c: goodContract(), want: Inconclusive, says: []string{"startup/ready"}, e: with(func(e *evidence.Evidence) {
		e.ReadOnlyRoot = &evidence.Variant{Seconds: 3, Pod: deniedPod("x")}
		e.Startup.Ready = false
	})},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionReadOnlyRoot, func(e *evidence.Evidence) { e.ReadOnlyRoot = nil })},
}

var anyUID = goodContract()

var arbitraryUIDExamples = []example{
	{name: "runs", c: anyUID, e: goodEvidence(), want: Pass, says: []string{"UID 1000650000"}},
	{name: "not promised", c: contractWith(func(c *contract.Contract) { c.Identity.ArbitraryUID = false }), e: goodEvidence(), want: Skipped},
	{name: "cannot read its code", c: anyUID, want: Fail, says: []string{"Permission denied: '/app'"}, e: with(func(e *evidence.Evidence) {
		e.ArbitraryUID = &evidence.Variant{Seconds: 3, UID: 1, Pod: deniedPod("PermissionError: [Errno 13] Permission denied: '/app'")}
	})},
	{name: "unschedulable", c: anyUID, want: Inconclusive, e: with(func(e *evidence.Evidence) {
		p := goodPod("podproof-variant")
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes"}}
		e.ArbitraryUID = &evidence.Variant{Pod: p}
	})},
	{name: "not observed", c: anyUID, want: Inconclusive, e: without(evidence.SectionArbitraryUID, func(e *evidence.Evidence) { e.ArbitraryUID = nil })},
}

func timed(ready float64) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		for i := range e.Startup.Pods {
			e.Startup.Pods[i].Timeline = []evidence.Mark{watched(0.1, "PodScheduled: True"), watched(0.3, "container api: waiting: ContainerCreating"),
				watched(1.1, "container api: running"), watched(ready, "Ready: True")}
		}
	})
}

var startupTimeExamples = []example{
	{name: "in time", c: goodContract(), e: timed(2.5), want: Pass, says: []string{"Start takes 2.5 s", "scheduled in 0.1 s, container started in 1.0 s, Ready in 1.4 s"}},
	{name: "too late", c: goodContract(), e: timed(42), want: Fail, says: []string{"Ready after 42.0 s", "Ready in 40.9 s"}},
	{name: "never Ready", c: goodContract(), want: Inconclusive, e: with(func(e *evidence.Evidence) { e.Startup.Pods[0].Timeline, e.Startup.Pods[1].Timeline = nil, nil })},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionStartup, func(e *evidence.Evidence) { e.Startup = nil })},
}

// wrongValue changes the trial of a malformed URL.
func wrongValue(change func(*evidence.EnvTrial)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(&e.MalformedEnv.Trials[1]) })
}

func goodMalformed() *evidence.RequiredEnv {
	empty, wrong := goodTrial("JWT_SECRET_KEY"), goodTrial("DATABASE_URL")
	empty.Wrong, wrong.Wrong, wrong.Value = "empty", "no URL", "podproof-abcdef"
	return &evidence.RequiredEnv{Trials: []evidence.EnvTrial{empty, wrong}, Seconds: 4}
}

var malformedEnvExamples = []example{
	{name: "every one ends it", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"2 wrong values tried"}},
	{name: "runs on", c: goodContract(), want: Fail, says: []string{"with DATABASE_URL set to what is no URL", "ran on"},
		e: wrongValue(func(t *evidence.EnvTrial) { t.Exited, t.Last, t.Seconds = false, nil, 30 })},
	{name: "serves", c: goodContract(), want: Fail, says: []string{"became Ready all the same"},
		e: wrongValue(func(t *evidence.EnvTrial) { t.Exited, t.Last, t.BecameReady = false, nil, true })},
	{name: "ends with 0", c: goodContract(), want: Fail, says: []string{"exit code 0"}, e: wrongValue(func(t *evidence.EnvTrial) { t.Last.ExitCode = 0 })},
	{name: "prints the value", c: goodContract(), want: Fail, says: []string{"the value is printed"}, hides: []string{"podproof-abcdef"}, e: wrongValue(func(t *evidence.EnvTrial) {
		t.Pod.Log = append(t.Pod.Log, evidence.LogLine{Text: "invalid DATABASE_URL: podproof-abcdef"})
	})},
	{name: "a log that was not kept", c: goodContract(), want: Inconclusive, says: []string{"9000 lines of the container's log were not kept", "Log less"}, e: wrongValue(func(t *evidence.EnvTrial) { t.Pod.Omitted = 9000 })},
	{name: "a log that was not read to its end", c: goodContract(), want: Inconclusive, says: []string{"may be in the rest", "the engine was busy"}, e: wrongValue(func(t *evidence.EnvTrial) { t.Pod.Unread = "the engine was busy" })},
	{name: "killed for its memory", c: goodContract(), want: Inconclusive, says: []string{"OOMKilled"}, e: wrongValue(func(t *evidence.EnvTrial) { t.Last.Reason = "OOMKilled" })},
	{name: "crashes anyway", c: goodContract(), want: Inconclusive, says: []string{"so does the workload with all variables set", "Fix startup/ready first"}, e: func() evidence.Evidence {
		e := wrongValue(func(t *evidence.EnvTrial) { t.Pod.Log = nil })
		e.Startup.Ready = false
		e.Startup.Pods[0].Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1}
		return e
	}()},
	{name: "not named", c: goodContract(), want: Pass, says: []string{"does not name the variable"}, e: wrongValue(func(t *evidence.EnvTrial) { t.Pod.Log = nil })},
	{name: "could not be tried", c: goodContract(), want: Inconclusive, says: []string{"did not start"}, e: wrongValue(func(t *evidence.EnvTrial) { t.Problem = "it did not start" })},
	{name: "nothing required", c: contractWith(func(c *contract.Contract) { c.Env.Required = nil }), e: goodEvidence(), want: Skipped},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionMalformedEnv, func(e *evidence.Evidence) { e.MalformedEnv = nil })},
}

var secretsStaySecretExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"of log of 15 pods, 1 answer and the arguments of 1 process"}},
	{name: "in the log", c: goodContract(), want: Fail, says: []string{"secret/api:JWT_SECRET_KEY", "pod api-1, log"}, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Log = append(e.Startup.Pods[0].Log, evidence.LogLine{Text: "settings: jwt=[value of secret/api:JWT_SECRET_KEY]"})
	})},
	{name: "on an error page", c: goodContract(), want: Fail, says: []string{"answer to GET /nothing"}, e: with(func(e *evidence.Evidence) {
		e.Responses[0].Request.Body = "cannot connect to [value of secret/api:DATABASE_URL]"
	})},
	{name: "as an argument", c: goodContract(), want: Fail, says: []string{"arguments of process 1"}, e: process(func(p *evidence.Process) {
		p.Command = []string{"/shop", "--key", "[value of secret/api:KEY]"}
	})},
	{name: "as a last word", c: goodContract(), want: Fail, says: []string{"termination message"}, e: with(func(e *evidence.Evidence) {
		e.RequiredEnv.Trials[0].Pod.Status.ContainerStatuses[0].State = corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Message: "bad [value of secret/api:KEY]"}}
	})},
	{name: "a ConfigMap's value is none", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		e.Responses[0].Request.Body = "[value of configmap/api:GREETING]"
	})},
	{name: "the last word of an init container", c: goodContract(), want: Fail, says: []string{"termination message"}, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", LastTerminationState: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{Message: "bad [value of secret/api:KEY]"}}}}
	})},
	{name: "all looked for", c: goodContract(), want: Pass, says: []string{"none of 2 values"}, hides: []string{"characters"},
		e: lookedFor(evidence.Secrets{LookedFor: 2, Shortest: 9})},
	{name: "some too short", c: goodContract(), want: Pass, says: []string{"none of 1 value in", "secret/db:PASSWORD: shorter than 9 characters, and so not looked for"},
		e: lookedFor(evidence.Secrets{LookedFor: 1, TooShort: []string{"secret/db:PASSWORD"}, Shortest: 9})},
	{name: "all too short", c: goodContract(), want: Inconclusive, says: []string{"nothing was looked for: secret/db:PASSWORD and secret/db:USER", "9 characters or more"},
		e: lookedFor(evidence.Secrets{TooShort: []string{"secret/db:PASSWORD", "secret/db:USER"}, Shortest: 9})},
	{name: "a Secret of the cluster's alone", c: goodContract(), want: Inconclusive, says: []string{"nothing was looked for: the values of secret/db, which no manifest holds", "values for tests"},
		e: lookedFor(evidence.Secrets{Unknown: []string{"secret/db"}, Shortest: 9})},
	{name: "a Secret of the cluster's, too", c: goodContract(), want: Pass, says: []string{"none of 1 value in", "the values of secret/db, which no manifest holds: podproof reads no Secret"},
		e: lookedFor(evidence.Secrets{LookedFor: 1, Unknown: []string{"secret/db"}, Shortest: 9})},
	{name: "no Secret", c: goodContract(), want: Skipped, says: []string{"the manifests hold no Secret"}, e: lookedFor(evidence.Secrets{Shortest: 9})},
	{name: "arguments not seen", c: goodContract(), want: Pass, says: []string{"arguments: not seen: the cluster did not start"},
		e: without(evidence.SectionIdentity, func(e *evidence.Evidence) { e.Identity = nil })},
	{name: "no answers", c: goodContract(), want: Inconclusive, e: without(evidence.SectionResponses, func(e *evidence.Evidence) { e.Responses = nil })},
	{name: "a name of the manifests", c: goodContract(), want: Pass, says: []string{"none of 7 values of 3 Secrets in", "not looked for: secret/db:USER: a name or a common word"},
		e: lookedFor(evidence.Secrets{LookedFor: 7, Secrets: 3, Common: []string{"secret/db:USER"}, Shortest: 8})},
	{name: "shortened", c: goodContract(), want: Fail, says: []string{"the value of secret/api:KEY stands in it, shortened"}, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Log[0].Text = "given {'KEY': '[value of secret/api:KEY, shortened]'}"
	})},
	{name: "no line of log", c: goodContract(), want: Inconclusive, says: []string{"no line of the log of 15 pods was read"}, e: with(silence)},
	{name: "a log that broke off", c: goodContract(), want: Inconclusive, says: []string{"not every log was read to its end: pod api-1: its log"}, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Unread = "its log could not be read to the end: EOF"
	})},
	{name: "a log that broke off, and a secret", c: goodContract(), want: Fail, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Unread, e.Responses[0].Request.Body = "broken off", "[value of secret/api:KEY]"
	})},
	{name: "of a pod whose file was read to its end", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		p := &e.Termination.Pod
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "api", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}}
		e.Logs = &evidence.LogSearch{Pods: 30, Lines: 1204, Unread: []evidence.UnreadLog{{Pod: p.Name, Container: "api", Why: "broken off"}}}
	}), says: []string{"in 1204 lines of log of 30 pods"}},
	{name: "of a pod that ran on when its log was read", c: goodContract(), want: Inconclusive, says: []string{"not every log was read to its end: pod api-1, container api: broken off"}, e: with(func(e *evidence.Evidence) {
		e.Logs = &evidence.LogSearch{Pods: 30, Lines: 1204, Unread: []evidence.UnreadLog{{Pod: "api-1", Container: "api", Why: "broken off"}}}
	})},
	{name: "of an init container whose file was read", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		p := &e.Startup.Pods[0]
		p.OtherLogs = []evidence.ContainerLog{{Container: "migrate", Lines: []evidence.LogLine{{Text: "migrated"}}}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}}
		e.Logs = &evidence.LogSearch{Pods: 30, Lines: 1204, Unread: []evidence.UnreadLog{{Pod: p.Name, Container: "migrate", Why: "broken off"}}}
	})},
	{name: "of the pod that has its name now", c: goodContract(), want: Inconclusive, says: []string{"container migrate: broken off"}, e: with(func(e *evidence.Evidence) {
		p := &e.Startup.Pods[0]
		p.UID = "first"
		p.OtherLogs = []evidence.ContainerLog{{Container: "migrate", Lines: []evidence.LogLine{{Text: "migrated"}}}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "migrate", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}}
		e.Logs = &evidence.LogSearch{Pods: 30, Lines: 1204, Unread: []evidence.UnreadLog{{Pod: p.Name, UID: "second", Container: "migrate", Why: "broken off"}}}
	})},
	{name: "of a pod that nobody looked at", c: goodContract(), want: Inconclusive, says: []string{"pod api-9, container api: broken off"}, e: with(func(e *evidence.Evidence) {
		e.Logs = &evidence.LogSearch{Pods: 30, Lines: 1204, Unread: []evidence.UnreadLog{{Pod: "api-9", Container: "api", Why: "broken off"}}}
	})},
	{name: "no request was answered", c: goodContract(), want: Inconclusive, says: []string{"no request was answered"}, e: with(func(e *evidence.Evidence) {
		e.Responses[0].Request = evidence.Request{Stream: "not found", Failure: "refused"}
	})},
	{name: "answers of which only the body, or the head, was kept", c: goodContract(), want: Pass, says: []string{"2 answers"}, e: with(func(e *evidence.Evidence) {
		e.Responses[0].Request = evidence.Request{Stream: "not found", Failure: "refused"}
		e.InFlight.Requests = append(e.InFlight.Requests, evidence.Request{Stream: "slow", Status: 200, Body: "done"}, evidence.Request{Stream: "slow", Status: 204, Head: "X-Request-Id: 1"})
	})},
	{name: "a worker has no answers", c: contractWith(func(c *contract.Contract) { c.HTTP = contract.HTTP{} }), want: Pass, e: with(func(e *evidence.Evidence) { e.Responses = nil })},
	{name: "in the log of a migration", c: goodContract(), want: Fail, says: []string{"pod api-1, container migrate, log"}, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].OtherLogs = []evidence.ContainerLog{{Container: "migrate", Lines: []evidence.LogLine{{Text: "using [value of secret/api:DATABASE_URL]"}}}}
	})},
	{name: "in the answer under an outage", c: goodContract(), want: Fail, says: []string{"outage (refused), answer of the stream query, status 503"}, e: with(func(e *evidence.Evidence) {
		r := answer("query", 30, 503)
		r.Body = "cannot connect to [value of secret/api:DATABASE_URL]"
		e.Outages.Trials[0].Kind, e.Outages.Trials[0].Requests = "refused", append(e.Outages.Trials[0].Requests, r)
	})},
	{name: "in the answer while it ends", c: goodContract(), want: Fail, says: []string{"answer of the stream late, status 500"}, e: with(func(e *evidence.Evidence) {
		r := answer("late", 30, 500)
		r.Head = "X-Debug: [value of secret/api:KEY]"
		e.Termination.Requests = append(e.Termination.Requests, r)
	})},
	{name: "in a rollout", c: goodContract(), want: Fail, says: []string{"rollout (restart), answer of the stream"}, e: with(func(e *evidence.Evidence) {
		e.Rollouts[0].Kind, e.Rollouts[0].Requests[0].Error = "restart", "malformed HTTP response: [value of secret/api:KEY]"
	})},
	{name: "in an event", c: goodContract(), want: Fail, says: []string{"pod api-1, event Unhealthy"}, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Events = []evidence.Event{{Reason: "Unhealthy", Message: "probe said [value of secret/api:KEY]"}}
	})},
	{name: "in the log of a pod that went", c: goodContract(), want: Fail, says: []string{"pod api-7, log"}, e: with(func(e *evidence.Evidence) {
		e.Logs = &evidence.LogSearch{Pods: 30, Lines: 1204, Found: []evidence.FoundLine{{Pod: "api-7", Container: "api", LogLine: evidence.LogLine{Text: "[value of secret/api:KEY]"}}}}
	})},
	{name: "as a literal of the manifests alone", c: goodContract(), want: Pass, e: with(func(e *evidence.Evidence) {
		e.Startup.Pods[0].Spec.Containers = []corev1.Container{{Name: "api", Env: []corev1.EnvVar{{Name: "TOKEN", Value: "[value of secret/api:KEY]"}}}}
	})},
}

// silence takes every log away.
func silence(e *evidence.Evidence) {
	for i := range e.Startup.Pods {
		e.Startup.Pods[i].Log = nil
	}
	for _, t := range []*evidence.Termination{e.Termination, e.EarlyTermination, e.InFlight, e.OutageTermination} {
		t.Pod.Log = nil
	}
	for _, r := range []*evidence.RequiredEnv{e.RequiredEnv, e.MalformedEnv} {
		for i := range r.Trials {
			r.Trials[i].Pod.Log = nil
		}
	}
	e.ReadOnlyRoot.Pod.Log, e.ArbitraryUID.Pod.Log, e.Outages.Pod.Log, e.Slow.Pod.Log = nil, nil, nil, nil
	for _, o := range e.Outages.Trials {
		if o.Pod != nil {
			o.Pod.Log = nil
		}
	}
}

func lookedFor(s evidence.Secrets) evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Workload.Secrets = &s })
}

func goodResources() *evidence.Resources {
	return &evidence.Resources{Pod: "api-1", Requests: 400, Seconds: 4.5, Idle: evidence.Usage{Memory: 20 << 20, CPU: 0.002, Window: 2},
		Loaded: evidence.Usage{Memory: 24 << 20, CPU: 0.05, Window: 2}}
}

// roomy changes the resources of the workload's container, and what was measured of it.
func roomy(change func(*corev1.ResourceRequirements, *evidence.Resources)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(&e.Workload.Template.Spec.Containers[0].Resources, e.Resources) })
}

var resourcesExamples = []example{
	{name: "set and ample", c: goodContract(), e: roomy(func(*corev1.ResourceRequirements, *evidence.Resources) {}), want: Pass, says: []string{"24.0 MiB of 128Mi", "200 requests a second"}},
	{name: "nothing set", c: goodContract(), want: Fail, says: []string{"resources.requests.cpu is not set", "resources.limits.memory is not set"},
		e: roomy(func(r *corev1.ResourceRequirements, _ *evidence.Resources) { *r = corev1.ResourceRequirements{} })},
	{name: "a limit is a request, too", c: goodContract(), want: Pass,
		e: roomy(func(r *corev1.ResourceRequirements, _ *evidence.Resources) {
			r.Requests = nil
			r.Limits[corev1.ResourceCPU] = resource.MustParse("1")
		})},
	{name: "killed in another trial", c: goodContract(), want: Fail, says: []string{"pod api-outage", "OOMKilled"}, e: func() evidence.Evidence {
		e := roomy(func(*corev1.ResourceRequirements, *evidence.Resources) {})
		e.Outages.Pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
		return e
	}()},
	{name: "more workers than CPUs", c: goodContract(), want: Pass, says: []string{`4 processes run "gunicorn app", and its CPU limit is 1`, "WEB_CONCURRENCY"}, e: func() evidence.Evidence {
		e := roomy(func(r *corev1.ResourceRequirements, _ *evidence.Resources) {
			r.Limits[corev1.ResourceCPU] = resource.MustParse("1")
		})
		for pid := 7; pid < 11; pid++ {
			e.Identity.Processes = append(e.Identity.Processes, evidence.Process{PID: pid, Command: []string{"gunicorn", "app"}})
		}
		return e
	}()},
	{name: "killed for its memory", c: goodContract(), want: Fail, says: []string{"more memory than its limit of 128Mi (OOMKilled)"},
		e: roomy(func(_ *corev1.ResourceRequirements, m *evidence.Resources) {
			m.Ended = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}
		})},
	{name: "ended by itself", c: goodContract(), want: Fail, says: []string{"exit code 3"},
		e: roomy(func(_ *corev1.ResourceRequirements, m *evidence.Resources) {
			m.Ended = &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}
		})},
	{name: "tight", c: goodContract(), want: Fail, says: []string{"uses 120.0 MiB of its memory limit of 128Mi"},
		e: roomy(func(_ *corev1.ResourceRequirements, m *evidence.Resources) { m.Loaded.Memory = 120 << 20 })},
	{name: "tight by sums alone", c: goodContract(), want: Inconclusive, says: []string{"120.0 MiB of the limit of 128Mi together", "pages that they share"},
		e: roomy(func(_ *corev1.ResourceRequirements, m *evidence.Resources) { m.Loaded.Memory, m.Summed = 120<<20, true })},
	{name: "throttled, over its request", c: goodContract(), want: Pass, says: []string{"held it back for 1.0 s", "first to be evicted"},
		e: roomy(func(_ *corev1.ResourceRequirements, m *evidence.Resources) {
			m.Loaded.Throttled, m.Idle.Memory = 1, 70<<20
		})},
	{name: "not measured", c: goodContract(), want: Inconclusive, e: with(func(e *evidence.Evidence) { e.Resources = nil })},
	{name: "a load of errors", c: goodContract(), want: Inconclusive, says: []string{"20.0 MiB", "was answered 404", "http.query"}, e: unserved()},
	{name: "a load that nobody answered, of an earlier podproof", c: goodContract(), want: Inconclusive, says: []string{"no request was answered with success"},
		e: roomy(func(_ *corev1.ResourceRequirements, m *evidence.Resources) { m.Requests = 0 })},
	{name: "a load of errors, and too little memory as it is", c: goodContract(), want: Fail, says: []string{"of 128Mi idle"}, e: func() evidence.Evidence {
		e := unserved()
		e.Resources.Idle.Memory = 126 << 20
		return e
	}()},
	{name: "a worker", c: worker, want: Pass, says: []string{"measured only while idle: the workload serves no port", "20.0 MiB of 128Mi"}, e: idleWorker()},
	{name: "not measured, and not set", c: goodContract(), want: Fail, e: with(func(e *evidence.Evidence) {
		e.Workload.Template.Spec.Containers[0].Resources, e.Resources = corev1.ResourceRequirements{}, nil
	})},
	{name: "no workload", c: goodContract(), want: Inconclusive, e: with(func(e *evidence.Evidence) { e.Workload = nil })},
}

// unserved is a load that was answered with errors, idleWorker a workload that has none.
func unserved() evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Resources.Loaded, e.Resources.Requests, e.Resources.Unserved = evidence.Usage{}, 0, "the load's GET / was answered 404"
	})
}

func idleWorker() evidence.Evidence {
	return with(func(e *evidence.Evidence) { e.Resources.Loaded, e.Resources.Requests = evidence.Usage{}, 0 })
}

var staysCleanExamples = []example{
	{name: "clean", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"a load of 400 requests"}},
	{name: "a load of errors", c: goodContract(), want: Inconclusive, says: []string{"was answered 404", "http.query"}, e: unserved()},
	{name: "a worker", c: worker, want: Pass, says: []string{"only while idle: the workload serves no port"}, e: idleWorker()},
	{name: "bytecode", c: goodContract(), want: Fail, says: []string{"2 files of 300 bytes", "/app/__pycache__", "PYTHONDONTWRITEBYTECODE"}, e: with(func(e *evidence.Evidence) {
		e.Resources.Writes = []evidence.Write{{Path: "/app/__pycache__/a.pyc", Bytes: 100}, {Path: "/app/__pycache__/b.pyc", Bytes: 200}}
	})},
	{name: "another snapshotter", c: goodContract(), want: Inconclusive, says: []string{"overlayfs"}, e: with(func(e *evidence.Evidence) {
		e.Resources.WritesUnknown = "no upper directory"
	})},
	{name: "from beside, out of reach", c: goodContract(), want: Inconclusive, says: []string{"cannot be entered by UID 7", "as one user from its start"}, e: with(func(e *evidence.Evidence) {
		e.Resources.Source, e.Resources.WritesUnknown = evidence.SourceEphemeral, "cannot be entered by UID 7"
	})},
	{name: "not observed", c: goodContract(), want: Inconclusive, e: without(evidence.SectionResources, func(e *evidence.Evidence) { e.Resources = nil })},
}

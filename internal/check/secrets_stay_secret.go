package check

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var secretsStaySecret = Check{
	ID:    "config/secrets-stay-secret",
	Title: "What is given as a secret is in no log, no answer and no argument",
	Why: "Logs, error pages and process lists are read by more people, and kept longer, than any Secret. A value that shows up there is " +
		"a secret no more.",
	Fix:   "Log the names of settings and never their values; mask URLs before they are logged; give secrets by the environment, not as arguments.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionWorkload, evidence.SectionStartup, evidence.SectionResponses, evidence.SectionIdentity},
	Judge: judgeSecretsStaySecret,
}

// secretMark is what stands in the evidence in place of a value of a Secret, however it was
// written: as it is, in base64, or as part of a URL.
var secretMark = regexp.MustCompile(`\[value of (secret/[^\]]+)\]`)

func judgeSecretsStaySecret(_ contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no value of the manifests' Secrets in logs, answers, termination messages or arguments"}
	var secrets *evidence.Secrets
	if e.Workload != nil {
		secrets = e.Workload.Secrets
	}
	if s := secrets; s != nil && s.LookedFor == 0 {
		if len(s.TooShort) == 0 {
			return j.skip("the manifests hold no Secret with a value")
		}
		return j.undecided(fmt.Sprintf("nothing was looked for: %s: shorter than %d characters", list(s.TooShort), s.Shortest),
			fmt.Sprintf("Give the manifests' Secrets values of %d characters or more, which are not taken for other words.", s.Shortest))
	}
	if e.Startup == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	if e.Responses == nil {
		return inconclusive(e, evidence.SectionResponses, j.Promised)
	}
	lines := j.markedIn(e)
	if e.Identity == nil {
		j.note("arguments", "not seen: %s", e.Why(evidence.SectionIdentity))
	}
	what := "none"
	if secrets != nil {
		what = "none of " + count(secrets.LookedFor, "value")
		if len(secrets.TooShort) > 0 {
			j.detail(list(secrets.TooShort), "shorter than %d characters, and so not looked for", secrets.Shortest)
		}
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(fmt.Sprintf("%s: %s", f.Where, f.Message), "")
	}
	return j.pass("Secrets stay secret OK", fmt.Sprintf("%s in %s of log and %s", what, count(lines, "line"), count(len(e.Responses), "answer")))
}

// markedIn adds a finding for each place of a secret, and counts the lines of log that it read.
func (j *Judgement) markedIn(e evidence.Evidence) (lines int) {
	for _, p := range podsOfRun(e) {
		lines += len(p.Log)
		for _, l := range p.Log {
			j.marked("pod "+p.Name+", log", l.Text)
		}
		for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			for _, t := range []string{message(s.State.Terminated), message(s.LastTerminationState.Terminated)} {
				j.marked("pod "+p.Name+", termination message", t)
			}
		}
	}
	for _, r := range e.Responses {
		j.marked(fmt.Sprintf("answer to %s %s", r.Method, r.Path), r.Request.Head+"\n"+r.Request.Body)
	}
	if e.Identity != nil {
		for _, p := range e.Identity.Processes {
			j.marked(fmt.Sprintf("arguments of process %d", p.PID), strings.Join(p.Command, " "))
		}
	}
	return lines
}

// marked adds a finding for each secret that a text holds, once a place.
func (j *Judgement) marked(where, text string) {
	for _, m := range secretMark.FindAllStringSubmatch(text, -1) {
		f := Finding{Where: where, Message: "the value of " + m[1] + " stands in it"}
		if !slices.ContainsFunc(j.Findings, func(have Finding) bool { return have.Where == f.Where && have.Message == f.Message }) {
			j.Findings = append(j.Findings, f)
		}
	}
}

func message(t *corev1.ContainerStateTerminated) string {
	if t == nil {
		return ""
	}
	return t.Message
}

// podsOfRun are all pods of the workload that a run observed.
func podsOfRun(e evidence.Evidence) []evidence.Pod {
	var out []evidence.Pod
	if e.Startup != nil {
		out = append(out, e.Startup.Pods...)
	}
	for _, t := range []*evidence.Termination{e.Termination, e.EarlyTermination, e.InFlight, e.OutageTermination} {
		if t != nil {
			out = append(out, t.Pod)
		}
	}
	for _, r := range []*evidence.RequiredEnv{e.RequiredEnv, e.MalformedEnv} {
		if r != nil {
			for _, t := range r.Trials {
				out = append(out, t.Pod)
			}
		}
	}
	for _, v := range []*evidence.Variant{e.ReadOnlyRoot, e.ArbitraryUID} {
		if v != nil {
			out = append(out, v.Pod)
		}
	}
	if e.Outages != nil {
		out = append(out, e.Outages.Pod)
		for _, o := range e.Outages.Trials {
			if o.Pod != nil {
				out = append(out, *o.Pod)
			}
		}
	}
	return out
}

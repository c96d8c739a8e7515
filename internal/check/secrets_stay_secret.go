package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/redact"
)

var secretsStaySecret = Check{
	ID:    "config/secrets-stay-secret",
	Title: "The values of Secrets are in no log, no answer and no argument",
	Why: "Logs, error pages and process lists are read by more people, and kept longer, than any Secret. A value that shows up there is " +
		"no longer secret.",
	Fix:   "Log the names of settings and never their values; mask URLs before they are logged; give secrets by the environment, not as arguments.",
	Story: Minimal,
	Needs: []evidence.Section{evidence.SectionWorkload, evidence.SectionStartup, evidence.SectionResponses, evidence.SectionIdentity},
	At:    []Spot{theProgram},
	Judge: judgeSecretsStaySecret,
}

func judgeSecretsStaySecret(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "no value of the manifests' Secrets in logs, answers, events, termination messages or arguments"}
	var secrets *evidence.Secrets
	if e.Workload != nil {
		secrets = e.Workload.Secrets
	}
	if s := secrets; s != nil && s.LookedFor == 0 {
		if len(s.Unknown) > 0 {
			return j.undecided("nothing was looked for: "+notLookedFor(*s), "Add the Secrets to the manifests, with values for tests, so that podproof knows what to look for.")
		}
		if len(s.TooShort)+len(s.Common) == 0 {
			return j.skip("the manifests hold no Secret with a value")
		}
		return j.undecided("nothing was looked for: "+notLookedFor(*s),
			fmt.Sprintf("Give the manifests' Secrets values of %d characters or more, which are not taken for other words.", s.Shortest))
	}
	everythingSaid(e, j.marked)
	if e.Logs != nil {
		for _, f := range e.Logs.Found {
			where := "pod " + f.Pod // as in the evidence of the pod, where there is one
			if f.Container != containerName(e) {
				where += ", container " + f.Container
			}
			j.marked(where+", log", f.Text)
		}
	}
	if f := j.firstBroken(); f != nil {
		return j.fail(fmt.Sprintf("%s: %s", f.Where, f.Message), "")
	}
	return j.nothingFound(c, e, secrets)
}

// nothingFound passes what was looked through, where that was enough to find something in.
func (j Judgement) nothingFound(c contract.Contract, e evidence.Evidence, secrets *evidence.Secrets) Judgement {
	if e.Startup == nil {
		return inconclusive(e, evidence.SectionStartup, j.Promised)
	}
	if e.Responses == nil && c.Serves() {
		return inconclusive(e, evidence.SectionResponses, j.Promised)
	}
	read := readOf(e)
	switch {
	case len(read.unread) > 0:
		return j.undecided("not every log was read to its end: "+brief(strings.Join(read.unread, "; "), 400), runAgain)
	case read.lines == 0:
		return j.undecided(fmt.Sprintf("no line of the log of %s was read, so no secret could be found in it", count(read.pods, "pod")),
			"Let the process log to stdout or stderr (see startup/logs): what it writes to a file inside of the container cannot be read.")
	case read.answers == 0 && c.Serves():
		return j.undecided("no request was answered, so no answer can hold a secret", "See health/answers for why no request was answered.")
	}
	if e.Identity == nil {
		j.note("arguments", "not seen: %s", e.Why(evidence.SectionIdentity))
	}
	what := "none"
	if secrets != nil {
		what = "none of " + count(secrets.LookedFor, "value")
		if secrets.Secrets > 0 {
			what += " of " + count(secrets.Secrets, "Secret")
		}
		if words := notLookedFor(*secrets); words != "" {
			j.note("not looked for", "%s", words)
		}
	}
	return j.pass("Secrets stay secret OK", fmt.Sprintf("%s in %s of log of %s, %s and the arguments of %s",
		what, count(read.lines, "line"), count(read.pods, "pod"), count(read.answers, "answer"), count(read.processes, "process")))
}

// notLookedFor says which values were not looked for, and why; empty where all were.
func notLookedFor(s evidence.Secrets) string {
	var out []string
	if len(s.TooShort) > 0 {
		out = append(out, fmt.Sprintf("%s: shorter than %d characters, and so not looked for", list(s.TooShort), s.Shortest))
	}
	if len(s.Common) > 0 {
		out = append(out, list(s.Common)+": a name or a common word, which stands in other places, too")
	}
	if len(s.Unknown) > 0 {
		out = append(out, "the values of "+list(s.Unknown)+", which no manifest holds: podproof reads no Secret of a cluster")
	}
	return strings.Join(out, "; ")
}

// read is how much was looked through.
type read struct {
	pods, lines, answers, processes int

	unread []string
	// ended are the containers ("api-1/api") whose log is in the evidence to its end, and told those that are
	// among unread.
	ended, told map[string]bool
}

func readOf(e evidence.Evidence) read {
	r := read{ended: map[string]bool{}, told: map[string]bool{}}
	for _, p := range podsOfRun(e) {
		r.pods++
		r.log(p, containerName(e), "", len(p.Log)+p.Omitted, p.Unread)
		for _, o := range p.OtherLogs {
			r.log(p, o.Container, ", container "+o.Container, len(o.Lines)+o.Omitted, o.Unread)
		}
	}
	r.others(e.Logs)
	answered := func(rs []evidence.Request) {
		for _, a := range rs {
			if a.Head != "" || a.Body != "" { // of a series one for each kind of answer is kept
				r.answers++
			}
		}
	}
	for _, a := range e.Responses {
		if a.Request.Status > 0 {
			r.answers++
		}
	}
	for _, all := range outagesOf(e) {
		if all != nil {
			for _, o := range all.Trials {
				answered(o.Requests)
			}
		}
	}
	for _, t := range terminationsOf(e) {
		if t != nil {
			answered(t.Requests)
		}
	}
	for _, o := range e.Rollouts {
		answered(o.Requests)
	}
	if e.Identity != nil {
		r.processes = len(e.Identity.Processes)
	}
	return r
}

// others adds what was searched while it was written: all that is known from the evidence of
// the pods, and what they wrote later, and the logs of those that are not in it.
func (r *read) others(l *evidence.LogSearch) {
	if l == nil {
		return
	}
	r.pods, r.lines = max(r.pods, l.Pods), max(r.lines, l.Lines)
	for _, u := range l.Unread {
		if c := cmp.Or(u.UID, u.Pod) + "/" + u.Container; !r.ended[c] && !r.told[c] {
			r.unread = append(r.unread, fmt.Sprintf("pod %s, container %s: %s", u.Pod, u.Container, u.Why))
		}
	}
}

func (r *read) log(p evidence.Pod, container, where string, lines int, unread string) {
	r.lines += lines
	byUID, byName := p.UID+"/"+container, p.Name+"/"+container
	if unread != "" {
		r.told[byUID], r.told[byName] = true, true
		r.unread = append(r.unread, "pod "+p.Name+where+": "+unread)
		return
	}
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if s.Name == container && s.State.Terminated != nil {
			r.ended[byUID], r.ended[byName] = true, true
		}
	}
}

// marked adds a finding for each secret that a text holds, once a place.
func (j *Judgement) marked(where, text string) {
	if !strings.Contains(text, "[value of secret/") {
		return
	}
	for _, m := range redact.Mark.FindAllStringSubmatch(text, -1) {
		name, shortened := strings.CutSuffix(m[1], ", shortened")
		if !strings.HasPrefix(name, "secret/") {
			continue
		}
		f := Finding{Where: where, Message: "the value of " + name + " stands in it"}
		if shortened {
			f.Message += ", shortened, but with enough of it to know it by"
		}
		if !slices.ContainsFunc(j.Findings, func(have Finding) bool { return have.Where == f.Where && have.Message == f.Message }) {
			j.Findings = append(j.Findings, f)
		}
	}
}

package check

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var resourcesLimits = Check{
	ID:    "resources/limits",
	Title: "Requests and a memory limit are set, and fit what the process uses",
	Why: "Without requests a node is overfilled; without a memory limit one leak takes its neighbours down. A limit below what is used " +
		"ends the process with OOMKilled, under load first of all.",
	Fix:     "Set resources.requests for cpu and memory and resources.limits.memory, with room above the measured use.",
	Story:   Reliable,
	Opinion: "That requests or the memory limit are not set is advice under baseline.",
	Needs:   []evidence.Section{evidence.SectionWorkload, evidence.SectionResources},
	At:      []Spot{inContainer("resources")},
	Judge:   judgeResourcesLimits,
}

// tight is the part of a memory limit above which a light load leaves too little room.
const tight = 0.9

func judgeResourcesLimits(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "requests for CPU and memory, and a memory limit, are set and fit the measured use"}
	if e.Workload == nil {
		return inconclusive(e, evidence.SectionWorkload, j.Promised)
	}
	k := containerOf(*e.Workload)
	if k == nil {
		return j.undecided("the workload has no container of that image", "Let the manifest's container use the contract's image.")
	}
	where := fmt.Sprintf("%s %s, container %s", e.Workload.Kind, e.Workload.Name, k.Name)
	memoryLimit := func(words string) place { return fieldPlace(e, words, "resources.limits.memory") }
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		_, requested := k.Resources.Requests[name]
		_, limited := k.Resources.Limits[name] // a limit alone is the request, too
		if !requested && !limited {
			j.brokenAt(podPlace(*e.Workload, where, containerField(*k, "resources.requests."+string(name))), "resources.requests.%s is not set", name)
			j.onlyFor(contract.ProfileRecommended)
		}
	}
	limit, limited := k.Resources.Limits[corev1.ResourceMemory]
	if !limited {
		j.brokenAt(memoryLimit(where), "resources.limits.memory is not set")
		j.onlyFor(contract.ProfileRecommended)
	}
	r := e.Resources
	if r == nil {
		if f := j.firstBroken(); f != nil && j.asks(c) {
			return j.fail(f.Where+": "+f.Message, "")
		}
		return inconclusive(e, evidence.SectionResources, j.Promised)
	}
	j.Seconds = r.Seconds
	if t := r.Ended; t != nil {
		if t.Reason == "OOMKilled" {
			j.brokenAt(memoryLimit("pod "+r.Pod), "it ended while it was measured: %s", exitWords(*t))
			return j.fail(fmt.Sprintf("killed for more memory than its limit of %s (OOMKilled), idle or under a light load", limit.String()), "Raise resources.limits.memory above what the process uses, or let it use less.")
		}
		j.broken("pod "+r.Pod, "it ended while it was measured: %s", exitWords(*t))
		return j.fail("the container ended while it was measured: "+exitWords(*t), "Read the pod's log: it ended by itself, under a light load of GET requests to the health route.")
	}
	most, when := max(r.Idle.Memory, r.Loaded.Memory), "under a light load"
	used := fmt.Sprintf("%s and %.3f CPUs idle", dataSize(r.Idle.Memory), r.Idle.CPU)
	idle := idleAlone(c, *r)
	if idle == "" {
		used += fmt.Sprintf(", %s and %.3f CPUs at %.0f requests a second", dataSize(r.Loaded.Memory), r.Loaded.CPU, float64(r.Requests)/max(0.001, r.Loaded.Window))
	} else {
		most, when = r.Idle.Memory, "idle"
		used += "; " + idle
	}
	over := limited && float64(most) > tight*float64(limit.Value())
	if over && r.Summed && !j.asks(c) {
		return j.undecided(fmt.Sprintf("its processes have %s of the limit of %s together %s, where pages that they share count for each of them", dataSize(most), limit.String(), when), lookFix)
	}
	if over && !r.Summed {
		j.brokenAt(memoryLimit(where), "it uses %s of its memory limit of %s %s", dataSize(most), limit.String(), when)
	}
	if r.Loaded.Throttled > 0.1*r.Loaded.Window {
		j.note(where, "its CPU limit held it back for %s of %s under a light load", seconds(r.Loaded.Throttled), seconds(r.Loaded.Window))
	}
	if request, ok := k.Resources.Requests[corev1.ResourceMemory]; ok && r.Idle.Memory > request.Value() {
		j.note(where, "idle it uses %s, more than its memory request of %s: it is the first to be evicted", dataSize(r.Idle.Memory), request.String())
	}
	if limited {
		j.killedForMemory(e)
	}
	j.workers(e, where, k.Resources.Limits.Cpu().AsApproximateFloat64())
	if f := j.firstBroken(); f != nil && (j.asks(c) || idle == "" || !c.Serves()) {
		return j.fail(f.Where+": "+f.Message+" (measured: "+used+")", "")
	}
	if idle != "" && c.Serves() {
		return j.undecided(used, unservedFix)
	}
	return j.pass(fmt.Sprintf("Resources OK (%s of %s)", dataSize(most), limit.String()), used)
}

// killedForMemory finds the pods of the other trials that were killed for want of memory.
func (j *Judgement) killedForMemory(e evidence.Evidence) {
	pods := podsOfRun(e)
	for _, o := range e.Rollouts {
		pods = append(pods, o.Ended...)
	}
	for _, p := range pods {
		s := underTest(p, containerName(e))
		if s == nil {
			continue
		}
		for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
			if t != nil && t.Reason == "OOMKilled" {
				j.brokenAt(fieldPlace(e, "pod "+p.Name, "resources.limits.memory"), "OOM-killed (OOMKilled) under the load of a trial")
			}
		}
	}
}

// workers notes more processes of one kind than the CPU limit can run at a time; the runtimes
// that count the node's CPUs instead of the limit start them.
func (j *Judgement) workers(e evidence.Evidence, where string, cpus float64) {
	if e.Identity == nil || cpus == 0 {
		return
	}
	n := map[string]int{}
	for _, p := range e.Identity.Processes {
		if p.PID != 1 {
			n[strings.Join(p.Command, " ")]++
		}
	}
	for _, command := range slices.Sorted(maps.Keys(n)) {
		if n[command] > 2*int(math.Ceil(cpus))+1 { // what gunicorn's manual recommends
			j.note(where, "%d processes run %q, and its CPU limit is %g: set their number to what the limit can run (WEB_CONCURRENCY, --workers, GOMAXPROCS)", n[command], said(command, 80), cpus)
		}
	}
}

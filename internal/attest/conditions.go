package attest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
)

// proven is the story of the gate's own verdicts.
var proven = check.Story{ID: "Gate", Title: "proven, and may be deployed"}

// condition is what a gate asks; it is told as a check is.
type condition struct{ id, title, why, fix string }

// The conditions, in the order in which they are told.
var (
	signedGate   = condition{"gate/signed", "A statement about the image is signed by a trusted key", "Nobody has tried what is about to be deployed.", "Verify the image, and attest the record."}
	platformGate = condition{"gate/platform", "It was verified for the platforms that it will run on", "What holds on one architecture may not on another.", "Verify the image on each platform."}
	resultGate   = condition{"gate/result", "The run that was signed passed", "The image was seen to break a promise.", "Correct the image."}
	freshGate    = condition{"gate/fresh", "The run is not too long ago", "An old pass says nothing of what was learnt since.", "Verify the image again."}
	versionGate  = condition{"gate/version", "A podproof that is new enough has verified it", "An older podproof tried less.", "Verify the image with a newer podproof."}
	recordGate   = condition{"gate/record", "The evidence is there, and is the one that was signed", "Without evidence a pass is somebody's word.", "Attest the record again."}
	judgedGate   = condition{"gate/judged", "The evidence holds when it is judged again", "What was good enough for who built it may not be for who runs it.", "Correct the image."}
	requiredGate = condition{"gate/required", "The required promises were tried and are kept", "A promise that nobody tried is not kept.", "Verify the image without leaving them out."}
	waiversGate  = condition{"gate/waivers", "No promise is waived that may not be", "A waiver is a promise that is known to be broken.", "Keep the promise."}
)

var gates = []condition{signedGate, platformGate, resultGate, freshGate, versionGate, recordGate, judgedGate, requiredGate, waiversGate}

func (c condition) verdict(j check.Judgement) check.Verdict {
	v := check.Verdict{Check: check.Check{ID: c.id, Title: c.title, Why: c.why, Fix: c.fix, Story: proven}, Judgement: j}
	if v.Fix == "" {
		v.Fix = c.fix
	}
	return v
}

func (c condition) passes(promised, seen, line string) check.Verdict {
	return c.verdict(check.Judgement{Status: check.Pass, Promised: promised, Seen: seen, Line: line})
}

func (c condition) fails(promised, seen, fix string) check.Verdict {
	return c.verdict(check.Judgement{Status: check.Fail, Promised: promised, Seen: seen, Fix: fix})
}

func (c condition) skipped(seen string) check.Verdict {
	return c.verdict(check.Judgement{Status: check.Skipped, Seen: seen})
}

func (h *hearing) say(v check.Verdict) { h.said = append(h.said, v) }

// platform asks whether the run was on the platform that the manifest is for.
func (h *hearing) platform() {
	promised := "it was verified for " + h.v.platform
	if !slices.Contains(h.proof.Platforms, h.v.platform) {
		h.say(platformGate.fails(promised, fmt.Sprintf("the statement is for another platform: it is for %s, and nodes take the image for %s", listed(h.proof.Platforms), h.v.platform),
			fmt.Sprintf("Verify it on %s, and attest that: %s.", h.v.platform, h.commands())))
		return
	}
	h.say(platformGate.passes(promised, "it was verified for "+listed(h.proof.Platforms), "Verified for "+listed(h.platformsWanted())))
}

// platformsWanted are those that the gate asks for.
func (h *hearing) platformsWanted() []string {
	if len(h.Policy.Platforms) > 0 {
		return h.Policy.Platforms
	}
	return h.platforms()
}

// recorded asks for what the signer came to.
func (h *hearing) recorded() {
	promised := "the result of the run that was signed is pass"
	p := h.proof.Verification
	var broken []string
	for _, id := range sortedIDs(p.Promises) {
		if s := p.Promises[id]; s == check.Fail || s == check.Inconclusive && p.Result != check.Fail {
			broken = append(broken, id)
		}
	}
	switch {
	case p.Result == check.Pass || p.Result == check.Inconclusive && h.Policy.AllowInconclusive && p.Counts[check.Pass] > 0:
		h.say(resultGate.passes(promised, fmt.Sprintf("%s, %d promises kept", p.Result, p.Counts[check.Pass]), fmt.Sprintf("The run came to %s (%d promises kept)", p.Result, p.Counts[check.Pass])))
	case p.Result == check.Fail:
		h.say(resultGate.fails(promised, fmt.Sprintf("the newest run, of %s, came to fail: %s", p.Finished.Format(time.RFC3339), some(broken)), "Correct the image, push it, and verify that: "+h.commands()+"."))
	default:
		h.say(resultGate.fails(promised, fmt.Sprintf("the newest run, of %s, decided not all: %s undecided", p.Finished.Format(time.RFC3339), some(broken)),
			"Verify it again: "+h.commands()+"; or allow it: allowInconclusive: true in the gate's policy."))
	}
}

// clockSkew is how far the signer's clock may be ahead.
const clockSkew = 5 * time.Minute

func (h *hearing) maxAge() contract.Duration {
	return cmp.Or(h.Policy.MaxAge, contract.UsualMaxAge)
}

// fresh asks when the run ended.
func (h *hearing) fresh() {
	most := h.maxAge()
	promised := "the run ended no more than " + span(most.Std()) + " ago"
	ended := h.proof.Finished
	age := h.Now.Sub(ended)
	switch {
	case age < -clockSkew:
		h.say(freshGate.fails(promised, fmt.Sprintf("the statement says that its run ends in the future, at %s", ended.Format(time.RFC3339)), "Set the clock of the machine that verified it, and verify it again: "+h.commands()+"."))
	case age > most.Std():
		h.say(freshGate.fails(promised, fmt.Sprintf("the run ended at %s, %s ago", ended.Format(time.RFC3339), span(age)), "Verify it again: "+h.commands()+"; or allow more with --max-age."))
	default:
		h.say(freshGate.passes(promised, fmt.Sprintf("the run ended at %s, %s ago", ended.Format(time.RFC3339), span(age)), "Verified "+span(age)+" ago"))
	}
}

// span is a time span in the largest units that fit.
func span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// version asks which podproof it was.
func (h *hearing) version() {
	least, was := h.Policy.MinVersion, h.proof.Podproof.Version
	if least == "" {
		v := versionGate.skipped("the policy does not ask for one with minVersion")
		v.Check.OptIn = "minVersion"
		h.say(v)
		return
	}
	promised := "it was verified by podproof " + least + " or newer"
	fix := "Verify it with podproof " + least + " or newer: " + h.commands() + "."
	have, err := version.ParseSemantic(was)
	if err != nil {
		h.say(versionGate.fails(promised, fmt.Sprintf("it was verified by a podproof whose version %q cannot be compared", was), fix))
		return
	}
	want, err := version.ParseSemantic(least)
	if err != nil || have.LessThan(want) {
		h.say(versionGate.fails(promised, "it was verified by podproof "+was, fix))
		return
	}
	h.say(versionGate.passes(promised, "podproof "+was, "Verified by podproof "+was))
}

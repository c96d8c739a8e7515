package check

import (
	"fmt"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

var arbitraryUID = Check{
	ID:    "identity/arbitrary-uid",
	Title: "It runs as any user ID with group 0",
	Why: "OpenShift gives every namespace user IDs of its own, which no image knows. What only its own user may read or write then " +
		"cannot be read or written.",
	Fix:      "Give group 0 the rights that the user has (chgrp -R 0 and chmod -R g=u in the Dockerfile), and do not rely on an entry in /etc/passwd.",
	Story:    Minimal,
	Needs:    []evidence.Section{evidence.SectionStartup, evidence.SectionArbitraryUID},
	OptIn:    "identity.arbitraryUID",
	At:       []Spot{inDockerfile("USER"), theProgram},
	Judge:    judgeArbitraryUID,
	Timeline: func(e evidence.Evidence) []Moment { return variantMoments(e.ArbitraryUID) },
}

func judgeArbitraryUID(c contract.Contract, e evidence.Evidence) Judgement {
	j := Judgement{Promised: "Ready as a random high user ID with group 0"}
	if !c.Identity.ArbitraryUID {
		return j.skip("the contract does not promise it (identity.arbitraryUID)").until("identity: {arbitraryUID: true} in the contract")
	}
	v := e.ArbitraryUID
	if v == nil {
		return inconclusive(e, evidence.SectionArbitraryUID, j.Promised)
	}
	j.Seconds = v.Seconds
	if v.Ready {
		return j.pass(fmt.Sprintf("Arbitrary user ID OK (UID %d)", v.UID), fmt.Sprintf("Ready %s after its creation, as UID %d, GID 0", seconds(v.Seconds), v.UID))
	}
	return j.notReadyAsVariant(*v, "permission denied", e)
}

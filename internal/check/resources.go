package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// unservedFix is what to do where a load was answered with errors.
const unservedFix = "Name a GET route that is answered with success in the contract's http.health or http.query."

// idleAlone says why a container was measured idle alone, empty where it was under load, too.
func idleAlone(c contract.Contract, r evidence.Resources) string {
	switch {
	case !c.Serves():
		return "measured only while idle: the workload serves no port"
	case r.Unserved != "":
		return "not measured under load: " + said(r.Unserved, 300)
	case r.Requests == 0:
		return "not measured under load: no request was answered with success"
	}
	return ""
}

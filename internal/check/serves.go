package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// asking judges only a workload that can be asked: what it promises, only requests can show. A
// worker makes no such promise.
func asking(judge func(contract.Contract, evidence.Evidence) Judgement) func(contract.Contract, evidence.Evidence) Judgement {
	return func(c contract.Contract, e evidence.Evidence) Judgement {
		if works(c, e) {
			return Judgement{}.skip("the workload serves no port: no container port, no Service and no probe over the network; where it does serve one, name it in the contract's http.port").until("http: {port: 8080} in the contract, with the port that it listens on")
		}
		return judge(c, e)
	}
}

// works tells whether the workload is a worker, which nobody can ask. Before the manifests are
// known, nobody can tell.
func works(c contract.Contract, e evidence.Evidence) bool { return e.Workload != nil && !c.Serves() }

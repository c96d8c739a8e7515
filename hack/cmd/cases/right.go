package main

import "strings"

// right is what podproof must say of a case.
type right struct {
	only []string // the checks that are tried
	// verified wants every check that is tried to pass or to be skipped, but for verdicts.
	verified bool
	// verdicts by ID; several that will do have a | between them.
	verdicts map[string]string
	says     []string // regular expressions of the whole output
	never    []string
	// or is a text that is as good as all of the above: a message that names what is in the way.
	or    string
	exits string // exit codes that will do, "0 3"
}

// basic are the checks that a shape is tried with where it is not about others.
var basic = []string{"startup/ready", "startup/logs", "health/answers", "probes/declared", "identity/*", "termination/exit-zero"}

// with are basic and others.
func with(ids ...string) []string { return append(append([]string{}, basic...), ids...) }

// rightOf is false for a case that nothing is known of.
func rightOf(group, name string) (right, bool) {
	switch group {
	case "manifests":
		r, ok := manifests[name]
		return r, ok
	case "judge":
		return judged(name), true
	}
	r, ok := clusters[name]
	if ok && r.only == nil {
		r.only = basic
	}
	return r, ok
}

// noImage is said of manifests that were accepted: their image is nowhere.
const noImage = `image "?shop/api:1\.0"?.*not (found|in)`

var manifests = map[string]right{
	"list":                  {says: []string{noImage}},
	"generate-name":         {says: []string{noImage}},
	"helm-test-pod-noimage": {says: []string{noImage, `(?i)left out.*pod/api-test-connection`}},
	"helm-chart-dir":        {exits: "2", says: []string{`chart`, `helm template`}},
	"helm-template-file":    {exits: "2", says: []string{`deployment\.yaml:\d+`, `template`, `helm template`}},
	"kust-helmcharts":       {exits: "2", says: []string{`helmCharts`, `helm template|kustomize build`}},
	"argo-rollout":          {exits: "2", says: []string{`Rollout`, `Deployment`}},
	"lower-kind":            {exits: "2", says: []string{`all\.yaml:\d+`, `"?deployment"?`, `Deployment`}},
	"same-name-two-ns":      {exits: "2", says: []string{`\ba\b.*deployment/api|deployment/api.*\ba\b`, `all\.yaml:\d+`}},
	"old-api":               {exits: "2", says: []string{`all\.yaml:\d+`, `extensions/v1beta1`, `apps/v1`}},
	"probe-port-name":       {exits: "2", says: []string{`all\.yaml:\d+`, `web`}},
	"missing-secret":        {exits: "2", says: []string{`all\.yaml:\d+`, `api-secrets`}},
	"no-selector":           {exits: "2", says: []string{`all\.yaml:\d+`, `selector`}},
	"service-monitor":       {says: []string{noImage, `(?i)left out.*servicemonitor/api`}},
}

var clusters = map[string]right{
	"k-statefulset":     {verified: true},
	"k-jvm-143":         {verdicts: map[string]string{"termination/exit-zero": "fail"}, never: []string{`nothing was finished or closed`}, says: []string{`exitCodes`}},
	"k-https":           {only: with("termination/requests-in-flight", "rollout/*"), verified: true, verdicts: map[string]string{"health/answers": "pass"}},
	"k-host":            {only: with("rollout/*"), verified: true, verdicts: map[string]string{"health/answers": "pass"}},
	"k-mgmt-port":       {only: with("termination/refuses-late"), verdicts: map[string]string{"startup/ready": "pass", "health/answers": "pass|skipped", "probes/declared": "pass", "termination/refuses-late": "pass|inconclusive"}},
	"k-matchexpr":       {verified: true},
	"k-prestop":         {only: with("termination/*"), says: []string{`(?i)preStop`}, verdicts: map[string]string{"startup/ready": "pass"}, exits: "1"},
	"k-user-nogroup":    {verdicts: map[string]string{"startup/ready": "fail"}, says: []string{`nobody`, `group`}, or: `(?s)no group "?nobody|group nobody|nogroup`},
	"k-cap-ep":          {verdicts: map[string]string{"startup/ready": "fail"}, says: []string{`(?i)capabilit`}},
	"k-needs-plain":     {only: []string{"config/*"}, verdicts: map[string]string{"config/missing-env-fails": "pass"}},
	"k-needs-json":      {only: []string{"config/*"}, verdicts: map[string]string{"config/missing-env-fails": "pass"}},
	"k-needs-prefix":    {only: []string{"config/*"}, verdicts: map[string]string{"config/missing-env-fails": "fail"}, says: []string{`(?i)prefix`}},
	"k-needs-camel":     {only: []string{"config/*"}, verdicts: map[string]string{"config/missing-env-fails": "pass|fail"}, or: "", says: []string{`(?i)spelling|Missing-env-var exit check OK`}},
	"k-needs-pydantic":  {only: []string{"config/*"}, verdicts: map[string]string{"config/secrets-stay-secret": "fail"}},
	"k-needs-cut":       {only: []string{"config/*"}, verdicts: map[string]string{"config/secrets-stay-secret": "fail"}},
	"k-needs-escaped":   {only: []string{"config/*"}, verdicts: map[string]string{"config/secrets-stay-secret": "fail"}},
	"k-needs-zero":      {only: []string{"config/*"}, verdicts: map[string]string{"config/missing-env-fails": "fail"}},
	"k-slow-start":      {only: []string{"startup/*", "health/*"}, verified: true, or: `podproof's (own )?default`},
	"k-helm-test":       {verified: true, says: []string{`(?i)left out.*api-test-connection`}},
	"k-helm-hook-job":   {verified: true, says: []string{`(?i)left out.*api-cleanup`}},
	"k-priorityclass":   {says: []string{`high-priority`}, exits: "1 2 3"},
	"k-servicemonitor":  {verified: true, says: []string{`(?i)left out.*servicemonitor/api`}},
	"k-replicas-zero":   {verified: true, or: `replicas`},
	"k-pdb-full":        {only: with("rollout/*"), says: []string{`poddisruptionbudget|PodDisruptionBudget`}, exits: "1 3"},
	"k-grpc":            {only: with("termination/*", "rollout/*"), verified: true, verdicts: map[string]string{"health/answers": "pass|skipped"}},
	"k-antiaffinity":    {verified: true, or: `(?i)anti-?affinity`},
	"k-arm64":           {says: []string{`arm64|architecture`}, exits: "1 2"},
	"k-arm64-image":     {says: []string{`(?s)is for linux/arm64 and the Docker engine's machine is linux/.*(?:Creating a kind cluster|Loading the image)`}, exits: "1 2"},
	"k-big-request":     {says: []string{`(?i)cpu`}, exits: "1 2 3"},
	"k-cmd-override":    {only: with("image/signal-path"), verified: true},
	"k-daemonset":       {verified: true},
	"k-exec-probe":      {verdicts: map[string]string{"startup/ready": "fail"}, says: []string{`curl`}},
	"k-fast":            {only: with("termination/requests-in-flight"), verdicts: map[string]string{"termination/requests-in-flight": "fail", "termination/exit-zero": "pass"}},
	"k-init-busybox":    {says: []string{`busybox:1\.36`}, exits: "1 2 3"},
	"k-localhost":       {verdicts: map[string]string{"health/answers": "fail"}, says: []string{`0\.0\.0\.0`}},
	"k-no-secret":       {says: []string{`api-secrets`}, exits: "1 2 3"},
	"k-nodeport":        {verified: true},
	"k-nodeselector":    {verified: true, or: `nodeSelector|eks\.amazonaws\.com/nodegroup`},
	"k-probe-port-name": {says: []string{`\bweb\b`}, exits: "1 2"},
	"k-pull-always":     {verified: true},
	"k-pvc-gp3":         {verified: true, or: `gp3`},
	"k-sidecar-ignores": {only: with("termination/*"), verdicts: map[string]string{"termination/exit-zero": "pass"}, says: []string{`proxy`}},
	"k-topology":        {verified: true, or: `(?i)topology`},
	"k-worker":          {only: with("termination/*", "rollout/*", "resources/*"), verdicts: map[string]string{"startup/ready": "pass", "health/answers": "skipped", "termination/requests-in-flight": "skipped", "termination/refuses-late": "skipped", "rollout/no-lost-requests": "skipped"}},
}

// judged is what is right about recorded evidence, by the beginning of its name.
func judged(name string) right {
	otherwise := []string{"names-rust-config", "names-spring-binding", "names-dotnet"}
	unnamed := []string{"names-another-variable", "names-a-list-of-all"}
	is := func(prefixes []string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
		return false
	}
	const missing, exit = "config/missing-env-fails", "termination/exit-zero"
	switch {
	case is(otherwise):
		return right{verdicts: map[string]string{missing: "fail"}, says: []string{`(?i)spelling`}}
	case is(unnamed):
		return right{verdicts: map[string]string{missing: "fail"}}
	case strings.HasPrefix(name, "names-"):
		return right{verdicts: map[string]string{missing: "pass"}}
	case strings.HasPrefix(name, "exit-java"), strings.HasPrefix(name, "exit-npm-143"), strings.HasPrefix(name, "exit-dotnet"):
		return right{verdicts: map[string]string{exit: "fail"}, never: []string{`nothing was finished or closed`}}
	case name == "keepalive-rollout-137":
		return right{exits: "1", says: []string{`FAIL termination/(exit-zero|refuses-late)`}}
	case name == "exit-nginx-0-fast", name == "exit-erlang":
		return right{verdicts: map[string]string{exit: "pass"}}
	}
	return right{verdicts: map[string]string{exit: "fail"}}
}

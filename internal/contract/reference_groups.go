package contract

import "strings"

// groups are the parts of the reference. A key at the root is in one of them.
var groups = []Group{
	{Title: "What is under test", Roots: []string{"apiVersion", "kind", "image", "manifests", "workload"}, About: `
Of the manifests these are left out, and each run says so: NetworkPolicies, which would shut out podproof's own pods; autoscalers, which would scale in the middle of a trial (their least number of replicas is what runs); CronJobs; pods and Jobs of Helm's hooks; and custom resources of which no manifest defines the kind. A Job that is not a hook runs to its end when the dependencies are Ready, before the workload.

What cannot work (a Secret that nobody makes, a port that no container has, a removed API version) is reported with file and line before a cluster is made.`},
	{Title: "What it depends on", Roots: []string{"dependencies"}, About: `
Each dependency is taken away, and judged, on its own. Where there are several, a verdict is the worst of them, and names each. An object alone is written as a text: ` + "`- statefulset/postgres`" + `.

The kinds are ` + strings.Join(Kinds, ", ") + `.

` + "`optional: true`" + ` turns the promise around: the service must do without it while that is away or slow, and be connected to it again afterwards, as far as podproof's proxy can see. A host that the cluster does not reach is refused and hangs all the same; what comes after its return is inconclusive.`},
	{Title: "What breaks a run", Roots: []string{"profile", "skip", "waivers", "waiversFrom"}, About: `
` + "`profile: baseline`" + ` asks for what keeps requests, data and secrets; ` + "`recommended`" + ` also for what good manifests and images have; ` + "`strict`" + ` also for what is a matter of opinion, such as EXPOSE. What a profile does not ask for is advice, which breaks nothing and proves nothing. ` + "`podproof explain ID`" + ` says where a check stands.

` + "`skip`" + ` is for checks that do not apply: nothing is tried for them, the report names them as skipped with your reason, and the rest can pass. One that no check fits is an error.

` + "`waivers`" + ` accept a promise that does apply, by name and up to a day: one that is broken, and also one that could not be decided, which the report then says. With ` + "`where`" + ` a waiver accepts that finding alone, and the next one of its kind breaks the promise. What is waived stays in every report; so does a waiver whose last day is past, or that accepts nothing any more. ` + "`podproof verify --write-waivers waivers.yaml --until 2026-12-31`" + ` writes one for each finding there is, so that a team can begin today and be held to what it has.`},
	{Title: "How it is built", Roots: []string{"build"}, About: `
To see what the build's cache can do, podproof builds again with other content in some files. They differ only on their way to BuildKit: your folder is neither copied nor written to. A build that has shown enough is ended. Where a changed file makes a dependency step run again, the finding names the step, its line, the instruction before it and the file. ` + "`build/context-lean`" + ` gives the lines for .dockerignore.`},
	{Title: "Where it answers", Roots: []string{"http", "grpc"}, About: `
podproof asks your service as its kubelet does: where its probes ask, with their scheme and header fields, on a management port too, by gRPC's health protocol, or what a probe's command asks (` + "`curl localhost:8000/health`" + `). What is a success to the kubelet, 200 to 399, is one here. A load is answered with success before anything is disturbed; otherwise what it was to show is inconclusive, with the first answer.

A worker, which has no port, no Service and no probe over the network, is not asked. What only requests can show is skipped. It is stopped, starved of its database and started without a variable all the same.

` + "`http.query`" + ` is asked three times: before the database is away, when it must succeed; meanwhile, when it must be answered within 10 s, be it with an error; and afterwards, when it must succeed again.

` + "`http.upload`" + ` is sent in two halves, one before SIGTERM and one after it, five times, the last of them ` + "`http.longest`" + ` after it. The answer must be as good as while nothing is stopped, so a request that is refused for its content will do. Without it no request can be kept under way, and ` + "`termination/requests-in-flight`" + ` is inconclusive: name a route, or skip that check.`},
	{Title: "How it runs", Roots: []string{"env", "identity", "startup", "termination"}, About: `
Only you know which variables are required: the manifests say which are set, not which the process cannot do without. The rest of this part is derived, but for ` + "`startup.logs`" + ` and what a process promises beyond its manifest.`},
	{Title: "What the image holds", Roots: []string{"devDependencies", "secrets", "files", "size", "imageConfig"}, About: `
Paths of the image are patterns: ` + "`/app/tests`" + ` is that path and all below it; ` + "`*.sql`" + ` and ` + "`app/.env`" + ` fit at any depth; ` + "`**`" + ` is any number of folders.

Each finding says in which layer the file is, which instruction made it, and whether the final file system still shows it: what a later step deletes is shipped all the same.`},
}

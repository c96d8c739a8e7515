package check

// docs are the texts of all checks, by ID. They say what the trials in internal/trial do.
var docs = map[string]Doc{
	"startup/ready": {
		Tried:   "The manifests are applied with their dependencies, which are Ready first. podproof watches the workload's pods until all are Ready, or until that has become impossible (a crash loop, an image that cannot be pulled, no node with room).",
		Decided: "Pass: all pods Ready within startup.within, without a restart. Fail: not Ready in time, or a container that ended and was started again. Inconclusive: the cluster could not run the pods, or the node was short of CPU meanwhile.",
	},
	"startup/time": {
		Tried:   "Nothing more than for startup/ready: the times of each pod's creation, scheduling, first start and Ready are compared.",
		Decided: "Pass: each pod is Ready within startup.within of its creation; the parts are told. Fail: one took longer. Inconclusive: no pod became Ready, or the node was short of CPU.",
	},
	"startup/logs": {
		Tried:   "The log of each of the workload's pods is read from its first line until the pod is Ready.",
		Decided: "Pass: each container wrote the lines of startup.logs (any line, where the contract names none) on the stream of startup.stream. Fail: it wrote nothing, or not those; or, in a start in which no probe was told no and nothing was restarted, a stack trace, a line of level error, or a mix of JSON and text. Inconclusive: the pod did not become Ready, lines were lost, or the cluster does not tell the stream.",
		Stacks:  logsToStdout,
	},
	"startup/waits-for-database": {
		Tried:   "A pod of the workload is started while each of its dependencies refuses connections, for at least 5 s; then the dependency is there.",
		Decided: "Pass: it is not Ready without the dependency, and becomes Ready once that is there, by waiting or by restarts. Fail: it is Ready without it, or does not come up afterwards. Skipped: the contract names no dependency. Inconclusive: the trial could not take the dependency away.",
		Stacks:  poolsAndTimes,
	},
	"health/answers": {
		Tried:   "podproof's agent, a pod in the cluster, asks http.health (or grpc's health service) through the Service, once a second with 5 s for each answer, and follows redirects as a kubelet does.",
		Decided: "Pass: a status of 200 to 399 (SERVING for gRPC). Fail: another answer, or none. Skipped: the workload serves no port. Inconclusive: no pod was Ready, no route is known, or network policies keep the pods of the run apart.",
	},
	"probes/declared": {
		Tried:   "The container's probes are read from the manifest, and compared with the ports that the container listens on and with what was measured of their results.",
		Decided: "Pass: readiness and liveness probes are there, ask the pod's own port, and succeed. Fail: one is missing, asks another host, a port that nobody listens on, or fails. Skipped: a worker that serves nobody and declares no liveness probe. Inconclusive: the workload was not seen.",
	},
	"probes/readiness-tells-the-truth": {
		Tried:   "Each dependency of one pod of the workload is taken away by a proxy (refused, frozen, restarted, its connections ended) and given back, while the pod's Ready condition is watched. The probes of that pod ask every second.",
		Decided: "Pass: not Ready without what it needs, within the probe's budget, and Ready with it again; Ready all the while without what is optional. Fail: Ready without its dependency, or not Ready again. Skipped: the contract names no dependency. Inconclusive: nothing shows that the outage reached the pod.",
		Stacks:  probesApart,
	},
	"probes/liveness-survives-outage": {
		Tried:   "The same outages as for probes/readiness-tells-the-truth, long enough for the liveness probe to give up.",
		Decided: "Pass: no container is restarted while a dependency is away. Fail: the kubelet restarts one, or it ends by itself. Skipped: the contract names no dependency. Inconclusive: the outage did not reach the pod, was too short for the probe, or the machine was too busy for its answers.",
		Stacks:  probesApart,
	},
	"database/recovers": {
		Tried:   "http.query is asked before, during and after each outage of a dependency (connections ended, restarted, refused, frozen), every 250 ms.",
		Decided: "Pass: answered before, answered within 10 s meanwhile (be it with an error), and good again within the time that the promise names after the dependency's return, without a restart. A worker that serves nothing has to be connected again. Fail: it stays broken, or hangs. Skipped: the contract names no dependency. Inconclusive: no query route answers before the outage, or the outage did not reach the pod.",
		Stacks:  poolsAndTimes,
	},
	"database/slow": {
		Tried:   "The proxy in front of a dependency delays each round trip by 200 ms, and then by 2 s, while requests are sent and the pod is watched.",
		Decided: "Pass: nothing restarts, and afterwards all is as before. Fail: a restart, or it does not come back. Skipped: the contract names no dependency. Inconclusive: nothing shows that the workload asked the dependency meanwhile.",
		Stacks:  poolsAndTimes,
	},
	"termination/exit-zero": {
		Tried:   "A pod of the workload that is Ready is deleted, as a rollout does; the container's end is timed on its node where that can be seen.",
		Decided: "Pass: it ends by itself within termination.within, with a code of termination.exitCodes (0). Fail: another code, too late, or SIGKILL at the end of the grace period (137). Inconclusive: its end was not seen, or the node was short of CPU.",
		Stacks:  endsInOrder,
	},
	"termination/during-startup": {
		Tried:   "A new pod is deleted right after its container has started, before it is Ready.",
		Decided: "Pass: it ends by itself within the limit; its exit code does not matter unless it crashed. Fail: it takes the whole grace period, or crashes. Inconclusive: it is killed at the end once it is up, too (termination/exit-zero), or the machine may have been too busy for its first line.",
		Stacks:  endsInOrder,
	},
	"termination/requests-in-flight": {
		Tried:   "Five requests of http.upload are sent to one pod in two halves, one before SIGTERM and one up to http.longest after it; the pod is deleted meanwhile. The same requests go to a pod that is not stopped.",
		Decided: "Pass: each gets its complete answer, as good as undisturbed. Fail: one is reset, cut off or not answered. Skipped: the workload serves no port. Inconclusive: there is no http.upload, or the undisturbed requests are not answered either.",
		Stacks:  endsInOrder,
	},
	"termination/refuses-late": {
		Tried:   "In the trial of termination/requests-in-flight quick requests go to the pod, over new connections and over one that is kept, until it ends.",
		Decided: "Pass: after SIGTERM readiness fails or the listener closes before the process ends, and kept connections are told `Connection: close`. Fail: it serves as if nothing was until it is gone, or drops a kept connection with a request in it. Skipped: the workload serves no port. Inconclusive: it ended too fast to be seen.",
		Stacks:  keepsServing,
	},
	"termination/exit-under-outage": {
		Tried:   "A pod is deleted while each of its dependencies is frozen: connections stay, nothing answers.",
		Decided: "Pass: it ends within termination.within with an exit code of termination.exitCodes. Fail: it waits for the dependency until SIGKILL, or crashes. Skipped: the contract names no dependency. Inconclusive: it ends like that with its dependency, too (termination/exit-zero), was not Ready when it was deleted, or does not use the dependency.",
		Stacks:  poolsAndTimes,
	},
	"rollout/no-lost-requests": {
		Tried:   "The agent sends requests through the Service, over new and kept connections, while the workload is restarted as `kubectl rollout restart` does, and one pod is evicted as a drain does.",
		Decided: "Pass: no request is lost, without retries. Fail: one is. Skipped: the workload serves no port. Inconclusive: the load was not answered before, the cluster itself was late to take a pod out of the Service, or the machine was too busy.",
		Stacks:  keepsServing,
	},
	"rollout/scale-down": {
		Tried:   "The agent sends requests through the Service while the workload is scaled down to one replica.",
		Decided: "Pass: no request is lost. Fail: one is. Skipped: the manifest has one replica, or the workload serves no port. Inconclusive: as for rollout/no-lost-requests.",
		Stacks:  keepsServing,
	},
	"config/missing-env-fails": {
		Tried:   "For each variable of env.required a pod is started without it alone.",
		Decided: "Pass: each container ends, not with 0, and its log names the variable. Fail: it serves, runs on, ends with 0, or does not name it; or the image's own ENV gives it a value. Skipped: the contract names none. Inconclusive: the log was not read to its end.",
		Stacks:  settingsFirst,
	},
	"config/malformed-env-fails": {
		Tried:   "For each variable of env.required a pod is started with it empty, and, where its name tells what is wrong for it (a URL, a number), with a malformed value.",
		Decided: "Pass: each container ends, not with 0, and prints no such value. Fail: it becomes Ready, runs on, ends with 0, or prints the value. Skipped: the contract names none. Inconclusive: parts of a log were not kept.",
		Stacks:  settingsFirst,
	},
	"resources/limits": {
		Tried:   "Memory and CPU of one container are measured for 2 s idle and for 2 s under a light load of GET requests to the health route.",
		Decided: "Pass: requests for CPU and memory and a memory limit are set, and at most 90 % of that limit is used. Fail: one is not set, more is used, or it is killed (OOMKilled). Inconclusive: the use could not be measured.",
		Stacks: []Stack{
			{"gunicorn", "Set --workers; counted from the node's CPUs there are too many for the limit."},
			{"Node", "--max-old-space-size below the memory limit."},
			{"Spring Boot", "-XX:MaxRAMPercentage=75 leaves room beside the heap."},
			{"Go", "GOMEMLIMIT at about 90 % of the memory limit."},
			{"nginx", "worker_processes as a number: auto counts the node's CPUs."},
		},
	},
	"image/signal-path": {
		Tried:   "ENTRYPOINT, CMD, the scripts that they start and STOPSIGNAL are read, without starting anything; where a pod was deleted in the run, what it showed counts, too.",
		Decided: "Pass: the program that serves is PID 1, or what stands before it replaces itself by exec or passes signals on. Fail: a shell, a script or a package manager keeps the signal, or STOPSIGNAL is one that ends nothing in order. Skipped: the image starts nothing. Inconclusive: a script cannot be followed, and no pod showed it.",
		Stacks:  endsInOrder,
	},
	"image/platform": {
		Tried:   "The image's configuration, and the header of the program that it starts, are compared with the nodes' architecture (this machine's, or --platform).",
		Decided: "Pass: all are for Linux and for one architecture, the nodes'. Fail: one is for another, or a script that starts has the line ends of Windows. Inconclusive: the layers were not read.",
	},
	"image/config-complete": {
		Tried:   "EXPOSE, HEALTHCHECK, labels and the base image are read from the image's configuration and from the build.",
		Decided: "Pass: EXPOSE names the contract's port, and what imageConfig asks for is there. Fail: one is missing, or the base has no version (pinnedBase). Inconclusive: the image does not tell its base.",
	},
	"identity/non-root": {
		Tried:   "Each process of a running container is read in /proc: on the node, or from an ephemeral container.",
		Decided: "Pass: none has UID 0. Fail: one has. Inconclusive: no process could be looked at.",
		Stacks:  numericUser,
	},
	"identity/as-declared": {
		Tried:   "UID, GID, groups, capabilities, no_new_privs and seccomp of each process are read in /proc/PID/status.",
		Decided: "Pass: they are what the securityContext and the contract's identity ask for. Fail: one differs; the field is named. Inconclusive: no process could be looked at.",
		Stacks:  numericUser,
	},
	"identity/arbitrary-uid": {
		Tried:   "A pod of the workload is started as a random high user ID with group 0.",
		Decided: "Pass: it becomes Ready. Fail: it does not. Skipped: the contract does not ask (identity.arbitraryUID). Inconclusive: the workload does not become Ready as it is either.",
	},
	"security/restricted": {
		Tried:   "The pod template is judged by Kubernetes' own rules of Pod Security, and the API server is asked by a dry run.",
		Decided: "Pass: the level restricted admits it. Fail: it names what is not allowed, field by field. Inconclusive: the pod template was not seen.",
	},
	"security/read-only-root": {
		Tried:   "A pod of the workload is started with readOnlyRootFilesystem: true and the volumes that the manifest has.",
		Decided: "Pass: it becomes Ready. Fail: it does not, and the log says where it wanted to write. Inconclusive: the workload does not become Ready as it is either.",
		Stacks:  writesElsewhere,
	},
	"security/no-token": {
		Tried:   "The volumes of the pods that were made are read for a token of the service account.",
		Decided: "Pass: no container has one. Fail: one is mounted. Skipped: identity.serviceAccountToken says that it is used. Inconclusive: no pod was made.",
	},
	"config/secrets-stay-secret": {
		Tried:   "The values of the manifests' Secrets are looked for, also encoded and shortened, in all logs, answers, events, termination messages and process arguments of the run.",
		Decided: "Pass: none is found. Fail: one is; the place is told and never the value. Skipped: the manifests hold no Secret with a value. Inconclusive: the Secrets are not in the manifests or too short to look for, a log was not read to its end, or nothing was answered.",
	},
	"filesystem/stays-clean": {
		Tried:   "What the container wrote outside of its volumes is read on the node (or in /proc/1/root) after it was idle and after the light load.",
		Decided: "Pass: nothing. Fail: files are named. Inconclusive: the cluster shows no container's writes.",
		Stacks:  writesElsewhere,
	},
	"image/user-non-root": {
		Tried:   "USER of the image's configuration is looked up in the final file system's /etc/passwd.",
		Decided: "Pass: it is a user other than root. Fail: none, root, a name that is not known, or a name where the pod asks for runAsNonRoot without runAsUser. Inconclusive: it is a name, and the layers were not read.",
		Stacks:  numericUser,
	},
	"image/no-dev-dependencies": {
		Tried:   "The packages of all languages and the programs of the image are listed from its layers.",
		Decided: "Pass: no test runner, linter or toolchain (with devDependencies.strict no compiler and package manager either). Fail: each is named with its layer, and whether the base image brings it. Inconclusive: the layers were not read.",
		Stacks:  leanImages,
	},
	"image/no-dev-server": {
		Tried:   "The command that starts, its scripts and the environment are read.",
		Decided: "Pass: no development server, reloader, debugger's port or debug mode. Fail: one is named. What is only likely is a note. Skipped: the image starts nothing. Inconclusive: what starts is not known.",
		Stacks:  productionServers,
	},
	"image/no-secrets-in-history": {
		Tried:   "Each instruction of the history (with its build arguments), the environment, the labels and the command are searched for credentials by form and by name.",
		Decided: "Pass: none. Fail: each is named without its value. Inconclusive: the image was not read, or its configuration is empty.",
	},
	"image/no-secrets-in-layers": {
		Tried:   "Each file of each layer, also those that a later layer deletes, is searched for keys, tokens and passwords.",
		Decided: "Pass: none. Fail: path, line, layer and instruction are told, and whether the final file system still shows it. Inconclusive: the layers were not read.",
	},
	"image/no-source-leaks": {
		Tried:   "The paths of all layers are compared with what belongs into .dockerignore: .git, tests, caches, settings of editors, .env, and files.forbid.",
		Decided: "Pass: none is there. Fail: each is named with the step that copied it. Inconclusive: the layers were not read.",
	},
	"image/no-setuid": {
		Tried:   "The mode and the capabilities of each file of the final file system are read.",
		Decided: "Pass: only the distribution's own packages bring set-uid, set-gid or file capabilities. Fail: others do. Inconclusive: the layers were not read.",
	},
	"image/no-world-writable": {
		Tried:   "The mode and the owner of code, settings and their folders are read in the final file system.",
		Decided: "Pass: nobody else may write them; with files.immutable not even the user who runs them. Fail: each is named. Inconclusive: the layers were not read.",
	},
	"image/size-budget": {
		Tried:   "Sizes, layers and bytes that later layers delete or replace are counted.",
		Decided: "Pass: within the contract's size, or none is set. Fail: more. Inconclusive: a budget cannot be measured, as the compressed size of an image that was not pushed.",
		Stacks:  leanImages,
	},
	"build/succeeds": {
		Tried:   "The Dockerfile is built by BuildKit with the contract's context, target and arguments.",
		Decided: "Pass: it builds. Fail: the step that failed is told with its output. Skipped: the contract has no build. Inconclusive: there is no builder.",
	},
	"build/dependency-layer-cached": {
		Tried:   "The image is built again with other content in source files, on their way to BuildKit alone. Your files stay as they are.",
		Decided: "Pass: all steps that install dependencies come from the cache. Fail: one ran again; the step, its line and the file that caused it are told. Skipped: the contract has no build, no step installs dependencies (build.dependencySteps names others), or no source file is copied. Inconclusive: the second build ended before it showed enough, or its cache was emptied in between.",
		Stacks:  ownLayer,
	},
	"build/lockfile-change-rebuilds": {
		Tried:   "The image is built again with other content in the lock file, on its way to BuildKit alone.",
		Decided: "Pass: the step that installs from it runs again. Fail: it comes from the cache. Skipped: the contract has no build, or no step installs from a lock file or manifest of the context. Inconclusive: the build ended before it.",
		Stacks:  ownLayer,
	},
	"build/frozen-dependencies": {
		Tried:   "The commands of all steps of the build that install dependencies are read, with the files that they install from.",
		Decided: "Pass: each takes exactly what a lock file says. Fail: one chooses versions during the build. Skipped: the contract has no build, or no step installs what a lock file could freeze. Inconclusive: the image did not build, or what is installed from cannot be read.",
		Stacks:  ownLayer,
	},
	"build/context-lean": {
		Tried:   "The files of the context that .dockerignore leaves in are listed, and compared with what the Dockerfile's instructions take.",
		Decided: "Pass: no version control data, virtual environment, node_modules, cache, or big file that nothing uses. Fail: each is named, with the line for .dockerignore; what an instruction takes by name is meant to be there. Skipped: the contract has no build. Inconclusive: the context was not read.",
	},
	"build/reproducible": {
		Tried:   "The image is built twice more without a cache, with the same SOURCE_DATE_EPOCH.",
		Decided: "Pass: the layers have the same diffIDs. Fail: the files that differ are told, and in what. Skipped: the contract does not ask (build.reproducible). Inconclusive: a build failed.",
	},
}

package check

import (
	"encoding/json"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// at is a moment, seconds after the workload of the fixtures was applied.
func at(s float64) time.Time {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(s * float64(time.Second)))
}

func ptr[T any](v T) *T { return &v }

// goodContract and goodEvidence keep every promise; an example changes what it is about.
func goodContract() contract.Contract {
	return contract.Contract{
		Image:        "shop-api:latest",
		Build:        &contract.Build{Context: "api", Dockerfile: "api/Dockerfile.prod", SourceFile: "api/main.go", Reproducible: true},
		Workload:     "deployment/api",
		Dependencies: contract.Needs("statefulset/postgres"),
		HTTP:         contract.HTTP{Port: 8000, Health: "/health"},
		Env:          contract.Env{Required: []string{"JWT_SECRET_KEY", "OWNER_USERNAME"}},
		Identity:     contract.Identity{UID: ptr(int64(1001)), GID: ptr(int64(1001)), ArbitraryUID: true},
		Startup:      contract.Startup{Within: contract.Duration(30 * time.Second), Logs: []string{"Started server"}},
		Termination:  contract.Termination{Within: contract.Duration(30 * time.Second)},
	}
}

func goodEvidence() evidence.Evidence {
	return evidence.Evidence{
		Build:            goodBuild(),
		Rebuild:          goodRebuild(),
		Image:            goodImage(),
		Workload:         goodWorkload(),
		Admission:        &evidence.Admission{},
		Startup:          &evidence.Startup{Applied: at(0), Ready: true, Seconds: 4.2, Pods: []evidence.Pod{goodPod("api-1"), goodPod("api-2")}},
		Health:           &evidence.Health{URL: "http://api:8000/health", From: "the node", Attempts: []evidence.HTTPAttempt{{Status: 200, Seconds: 0.003}}},
		Identity:         &evidence.Identity{Pod: "api-1", Container: "api", Processes: []evidence.Process{goodProcess()}},
		Termination:      goodTermination(),
		EarlyTermination: goodEarlyTermination(), InFlight: goodInFlight(), OutageTermination: goodTermination(),
		Rollouts: goodRollouts(), Outages: goodOutages(), Slow: goodSlow(), MalformedEnv: goodMalformed(), Resources: goodResources(),
		Responses:    []evidence.Response{{Name: "not found", Method: "GET", Path: "/nothing", Request: answer("not found", 10, 404)}},
		Final:        goodFinal(),
		ReadOnlyRoot: &evidence.Variant{Pod: goodPod("podproof-read-only-root"), Ready: true, Seconds: 2},
		ArbitraryUID: &evidence.Variant{Pod: goodPod("podproof-arbitrary-uid"), Ready: true, UID: 1000650000, Seconds: 2},
		RequiredEnv:  &evidence.RequiredEnv{Trials: []evidence.EnvTrial{goodTrial("JWT_SECRET_KEY"), goodTrial("OWNER_USERNAME")}},

		Context:      goodContext(),
		LockRebuild:  &evidence.Rebuild{Files: []string{"go.mod"}, Seconds: 1.5, Steps: buildSteps(false, false, false)},
		Reproduction: &evidence.Reproduction{Epoch: "946684800", LayerCounts: [2]int{2, 2}, Seconds: 40},
	}
}

// with changes a copy of the good evidence.
func with(change func(*evidence.Evidence)) evidence.Evidence {
	e := goodEvidence()
	change(&e)
	return e
}

// without leaves a section out, for a reason.
func without(s evidence.Section, clear func(*evidence.Evidence)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		clear(e)
		e.Missing = map[evidence.Section]string{s: "the cluster did not start"}
	})
}

// contractWith changes a copy of the good contract.
func contractWith(change func(*contract.Contract)) contract.Contract {
	c := goodContract()
	change(&c)
	return c
}

func goodWorkload() *evidence.Workload {
	get := func(path string) corev1.ProbeHandler {
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http")}}
	}
	return &evidence.Workload{Kind: "Deployment", Name: "api", Namespace: "shop", Replicas: 2, Container: "api",
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(1001)), RunAsGroup: ptr(int64(1001)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Containers: []corev1.Container{{
				Name:           "api",
				Ports:          []corev1.ContainerPort{{Name: "http", ContainerPort: 8000}},
				StartupProbe:   &corev1.Probe{ProbeHandler: get("/health"), PeriodSeconds: 1, FailureThreshold: 30},
				ReadinessProbe: &corev1.Probe{ProbeHandler: get("/ready"), PeriodSeconds: 2},
				LivenessProbe:  &corev1.Probe{ProbeHandler: get("/health"), PeriodSeconds: 10},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")}},
				SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: ptr(false),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
			}},
		}}}
}

// container changes the workload's container.
func container(change func(*corev1.Container)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(&e.Workload.Template.Spec.Containers[0]) })
}

// watched is a mark of the watch, by its words.
func watched(seconds float64, what string) evidence.Mark {
	m := evidence.Mark{At: at(seconds), Source: "watch", What: what}
	data, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		panic(err)
	}
	return m
}

func goodPod(name string) evidence.Pod {
	return evidence.Pod{Name: name, UID: "uid-" + name,
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning,
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(at(4))},
			},
			ContainerStatuses: []corev1.ContainerStatus{{Name: "api", Image: "shop-api:latest", Ready: true, Started: ptr(true),
				State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at(1))}}}},
		},
		Timeline: []evidence.Mark{watched(0.1, "PodScheduled: True"), watched(1.1, "container api: running"), watched(4.2, "Ready: True")},
		Log: []evidence.LogLine{
			{At: at(1), Stream: "stdout", Text: `{"msg":"Started server","listen":":8000"}`},
			{At: at(2), Stream: "stdout", Text: `{"msg":"Application startup complete"}`},
		},
	}
}

// pods replaces those of the start, which did not get Ready, by one pod that is changed.
func pods(change func(*evidence.Pod)) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		p := goodPod("api-1")
		notReady(&p)
		change(&p)
		e.Startup.Ready, e.Startup.Seconds, e.Startup.Pods = false, 30, []evidence.Pod{p}
	})
}

func notReady(p *evidence.Pod) {
	p.Status.Conditions[1] = corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(at(1))}
	p.Status.ContainerStatuses[0].Ready = false
}

// waits makes the pod's container wait for a reason.
func waits(reason, message string) func(*evidence.Pod) {
	return func(p *evidence.Pod) {
		p.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
		p.Log = nil
	}
}

// crashes makes it go into CrashLoopBackOff.
func crashes(t corev1.ContainerStateTerminated) func(*evidence.Pod) {
	return func(p *evidence.Pod) {
		s := &p.Status.ContainerStatuses[0]
		s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 20s restarting failed container"}}
		s.LastTerminationState.Terminated = &t
		s.RestartCount = 2
		p.Log = []evidence.LogLine{{Stream: "stderr", Text: "FATAL: cannot connect with DB_PASSWORD=" + planted}}
	}
}

func event(s float64, kind, reason, message string) evidence.Event {
	return evidence.Event{At: at(s), Type: kind, Reason: reason, Message: message, FieldPath: "spec.containers{api}"}
}

func goodProcess() evidence.Process {
	ids := []int64{1001, 1001, 1001, 1001}
	return evidence.Process{PID: 1, Name: "shop", Command: []string{"/shop"}, UIDs: ids, GIDs: ids,
		CapEff: "0000000000000000", CapPrm: "0000000000000000", CapBnd: "0000000000000000", NoNewPrivs: true, Seccomp: 2}
}

// process changes the first process.
func process(change func(*evidence.Process)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(&e.Identity.Processes[0]) })
}

func goodEarlyTermination() *evidence.Termination {
	t := goodTermination()
	t.WasReady = false
	return t
}

func goodTermination() *evidence.Termination {
	return &evidence.Termination{Pod: goodPod("api-end"), WasReady: true, WasRunning: true, GraceSeconds: 45, Deleted: at(20),
		Exited: true, Seconds: 5.4, ExitSource: "node", Last: &corev1.ContainerStateTerminated{ExitCode: 0, Reason: "Completed"},
		PID1: &evidence.Process{PID: 1, Command: []string{"/shop"}}, StopSignal: "SIGTERM"}
}

// ended changes the end of the pod that was deleted.
func ended(code int32, after float64, command ...string) evidence.Evidence {
	return with(func(e *evidence.Evidence) {
		e.Termination.Last = &corev1.ContainerStateTerminated{ExitCode: code, Reason: "Error"}
		e.Termination.Seconds = after
		e.Termination.PID1 = &evidence.Process{PID: 1, Command: command}
	})
}

func goodTrial(variable string) evidence.EnvTrial {
	p := goodPod("api-without")
	p.Status.ContainerStatuses[0].Ready = false
	p.Log = []evidence.LogLine{{Stream: "stderr", Text: `{"level":"ERROR","msg":"settings","missing":["` + variable + `"]}`}}
	return evidence.EnvTrial{Variable: variable, From: "secret/api", Pod: p, Exited: true, Seconds: 0.4,
		Last: &corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error"}}
}

// trial changes that of OWNER_USERNAME.
func trial(change func(*evidence.EnvTrial)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(&e.RequiredEnv.Trials[1]) })
}

func goodImage() *evidence.Image {
	return &evidence.Image{Ref: "shop-api:latest", ID: "sha256:1", LayersRead: true, OS: "linux", Architecture: "amd64",
		Config: evidence.ImageConfig{User: "1001:1001", Env: []string{"PATH=/usr/bin"}, Cmd: []string{"/shop"}, ExposedPorts: []string{"8000/tcp"}},
		History: []evidence.History{
			{CreatedBy: "COPY /src/shop /shop # buildkit", Layer: 0},
			{CreatedBy: "USER 1001:1001", EmptyLayer: true, Layer: -1},
			{CreatedBy: `CMD ["/shop"]`, EmptyLayer: true, Layer: -1},
		},
		Layers:     []evidence.Layer{{DiffID: "sha256:2", CreatedBy: "COPY /src/shop /shop # buildkit"}},
		Packages:   []evidence.Package{{Ecosystem: "debian", Name: "libc6", Version: "2.36", Path: "/var/lib/dpkg/status"}},
		GoBinaries: []evidence.GoBinary{{Path: "/shop", Package: "shop.example/cmd/shop", GoVersion: "go1.26.8"}},
		User:       &evidence.ImageUser{Written: "1001:1001"},
		Entry:      []evidence.EntryFile{{Word: "/shop", Path: "/shop", Kind: "elf", Executable: true}},
		Size: &evidence.ImageSize{Uncompressed: 21 << 20, FinalFiles: 20 << 20, Files: 40,
			Largest: []evidence.SizedFile{{Path: "/shop", Bytes: 18 << 20}}},
		Read: &evidence.ReadStats{Layers: 1, Files: 41, Bytes: 21 << 20},
	}
}

// fileImage is an image of two layers, in which nothing is wrong yet: the first is a
// distribution's, the second copies the source.
func fileImage(change func(*evidence.Image)) evidence.Evidence {
	return image(func(i *evidence.Image) {
		i.History = append([]evidence.History{{CreatedBy: "ADD rootfs.tar.xz / # buildkit", Layer: 0}, {CreatedBy: "COPY . . # buildkit", Layer: 1}}, i.History[1:]...)
		i.Layers = []evidence.Layer{{DiffID: "sha256:1", CreatedBy: "ADD rootfs.tar.xz / # buildkit"}, {DiffID: "sha256:2", CreatedBy: "COPY . . # buildkit"}}
		change(i)
	})
}

// unread is an image of which only the configuration is known, oldRead one of which an earlier
// podproof kept the evidence.
func unread() evidence.Evidence {
	return image(func(i *evidence.Image) { onlyConfig(i) })
}

func onlyConfig(i *evidence.Image) {
	i.LayersRead, i.Read, i.Size, i.User, i.Entry = false, nil, nil, nil, nil
	i.Packages, i.Tools, i.GoBinaries, i.Secrets, i.Leftovers = nil, nil, nil, nil, nil
	i.Privileged, i.WorldWritable, i.CodeOwners = nil, nil, nil
}

func oldRead() evidence.Evidence { return image(func(i *evidence.Image) { i.Read = nil }) }

func noImage() evidence.Evidence {
	return without(evidence.SectionImage, func(e *evidence.Evidence) { e.Image = nil })
}

// image changes the good image.
func image(change func(*evidence.Image)) evidence.Evidence {
	return with(func(e *evidence.Evidence) { change(e.Image) })
}

func goodBuild() *evidence.Build {
	return &evidence.Build{Context: "api", Dockerfile: "api/Dockerfile.prod", ImageID: "sha256:1", Seconds: 12, Steps: buildSteps(false, false, false)}
}

func goodRebuild() *evidence.Rebuild {
	return &evidence.Rebuild{Files: []string{"main.go"}, Seconds: 3, Steps: buildSteps(true, false, false)}
}

func goodContext() *evidence.BuildContext {
	return contextWith("go.mod", "go.sum", "main.go", "README.md-")
}

// contextWith is a context of these files with 1000 bytes each. BuildKit asked for those
// without a "-" at the end.
func contextWith(files ...string) *evidence.BuildContext {
	c := &evidence.BuildContext{IgnoreFile: ".dockerignore"}
	for _, f := range files {
		name, unsent := strings.CutSuffix(f, "-")
		c.Files++
		c.Bytes += 1000
		if !unsent {
			c.SentFiles++
			c.SentBytes += 1000
		}
		c.Entries = append(c.Entries, evidence.ContextEntry{Path: name, Files: 1, Bytes: 1000, Sent: !unsent})
	}
	return c
}

// buildSteps is a Go build: manifest, dependencies, source, build. The flags say which of
// its steps come from the cache.
func buildSteps(deps, source, compile bool) []evidence.BuildStep {
	step := func(digest, name string, cached bool, inputs ...string) evidence.BuildStep {
		return evidence.BuildStep{Name: name, Stage: "builder", Digest: digest, Inputs: inputs, Cached: cached, Started: true, Completed: true, Seconds: 1}
	}
	return []evidence.BuildStep{
		{Name: "[internal] load build context", Digest: "ctx", Started: true, Completed: true},
		step("from", "[builder 1/5] FROM docker.io/library/golang:1.26-bookworm", true),
		step("mod", "[builder 2/5] COPY go.mod go.sum ./", deps, "from", "ctx"),
		step("deps", "[builder 3/5] RUN go mod download", deps, "mod"),
		step("src", "[builder 4/5] COPY . .", source, "deps", "ctx"),
		step("go", "[builder 5/5] RUN go build -o /shop ./cmd/shop", compile, "src"),
	}
}

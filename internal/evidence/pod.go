package evidence

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Workload is the object under test as its manifests declare it.
type Workload struct {
	Kind      string `json:"kind"` // "Deployment"
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// Source is where its manifest begins, nil where that is not known.
	Source *Source `json:"source,omitempty"`
	// Replicas are those that podproof ran.
	Replicas int32 `json:"replicas"`
	// DeclaredReplicas are the manifest's own, nil where it leaves them to Kubernetes or to an autoscaler.
	DeclaredReplicas *int32 `json:"declaredReplicas,omitempty"`
	// LeftOut says what of the manifests did not go into the cluster, and why.
	LeftOut []string `json:"leftOut,omitempty"`
	// Container is the name of the container that runs the image.
	Container string                 `json:"container"`
	Template  corev1.PodTemplateSpec `json:"template"`
	// ImageReplaced tells which images of the manifests were stood in for by others (old → new).
	ImageReplaced map[string]string `json:"imageReplaced,omitempty"`
	// Secrets is nil in the evidence of a podproof that did not tell.
	Secrets *Secrets `json:"secrets,omitempty"`
}

// Source is a place in a manifest.
type Source struct {
	File string `json:"file"` // as the user wrote it
	Line int    `json:"line,omitempty"`
	// Lines are those of the object's fields, a list's item by its name:
	// "spec.template.spec.containers[api].livenessProbe". There are none where they are not known.
	Lines map[string]int `json:"lines,omitempty"`
}

// Secrets says which values of the manifests' Secrets were looked for in all that was observed.
type Secrets struct {
	LookedFor int `json:"lookedFor"`
	// Secrets is how many Secrets they are from; 0 in the evidence of a podproof that did not tell.
	Secrets int `json:"secrets,omitempty"`
	// TooShort names the others ("secret/db:PASSWORD"): shorter than Shortest, they could be any word.
	TooShort []string `json:"tooShort,omitempty"`
	Shortest int      `json:"shortest"`
	// Common names those that are words which stand in any text, or in the manifests in the open.
	Common []string `json:"common,omitempty"`
	// Unknown are Secrets that the workload needs and no manifest holds ("secret/db"): podproof reads
	// none of a cluster, and so does not know their values.
	Unknown []string `json:"unknown,omitempty"`
}

// Admission is the API server's answer to a pod in a dry run, in a namespace that warns of
// what the Pod Security level restricted refuses.
type Admission struct {
	Warnings []string `json:"warnings,omitempty"`
	// Refused is why it would not make the pod at all, empty where it would.
	Refused string `json:"refused,omitempty"`
	// Altered is what the cluster would change of it: what it injects, and limits that it adds.
	Altered []string `json:"altered,omitempty"`
}

// Pod is one pod as last seen, with what it said.
type Pod struct {
	Name   string           `json:"name"`
	UID    string           `json:"uid"`
	Spec   corev1.PodSpec   `json:"spec"`
	Status corev1.PodStatus `json:"status"`
	Events []Event          `json:"events,omitempty"`
	// Log is that of the container under test, all its instances, oldest first: its beginning,
	// its end, and the lines between them that hold the value of a Secret.
	Log []LogLine `json:"log,omitempty"`
	// Omitted is how many lines between were searched for such values and not kept.
	Omitted int `json:"omitted,omitempty"`
	// Unread says why not all of the log was read; empty where it was.
	Unread string `json:"unread,omitempty"`
	// OtherLogs are those of the other containers: init containers and sidecars.
	OtherLogs []ContainerLog `json:"otherLogs,omitempty"`
	// Timeline says what happened when, on podproof's own clock unless the source says otherwise.
	Timeline []Mark `json:"timeline,omitempty"`
}

// Event is a Kubernetes event about a pod.
type Event struct {
	At      time.Time `json:"at"`
	Type    string    `json:"type"` // "Normal", "Warning"
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Count   int32     `json:"count,omitempty"`
	// FieldPath names the container: "spec.containers{api}".
	FieldPath string `json:"fieldPath,omitempty"`
}

// ObjectEvent is an event about another object than a pod: the ReplicaSet that may not create
// one, or the claim of a volume that nobody provides.
type ObjectEvent struct {
	Object string `json:"object"` // "replicaset/api-7d9f"
	Event
}

// LogLine is one line of a container's own log.
type LogLine struct {
	At time.Time `json:"at"`
	// Stream is "stdout" or "stderr", empty where the cluster cannot tell.
	Stream string `json:"stream,omitempty"`
	Text   string `json:"text"`
	// Cut is how many bytes were left out of a long line. What was found in them stands at its end.
	Cut int `json:"cut,omitempty"`
}

// ContainerLog is the log of one container, as Pod has that of the container under test.
type ContainerLog struct {
	Container string    `json:"container"`
	Lines     []LogLine `json:"lines,omitempty"`
	Omitted   int       `json:"omitted,omitempty"`
	Unread    string    `json:"unread,omitempty"`
}

// LogSearch is what was looked through for the values of Secrets while it was written: every log
// of every container of the image's pods, also of those whose logs are not kept.
type LogSearch struct {
	Pods  int `json:"pods"`
	Lines int `json:"lines"`
	// Found are lines that held one.
	Found []FoundLine `json:"found,omitempty"`
	// Unread are the containers of which not all was read, by way of the API.
	Unread []UnreadLog `json:"unread,omitempty"`
}

// UnreadLog is a log that was not read to its end.
type UnreadLog struct {
	// UID is the pod's, of which there may be several by its name. Older records have none.
	UID       string `json:"uid,omitempty"`
	Pod       string `json:"pod"`
	Container string `json:"container"`
	Why       string `json:"why"`
}

// FoundLine is one line of a container's log.
type FoundLine struct {
	Pod       string `json:"pod"`
	Container string `json:"container"`
	LogLine
}

// Dependency is one of the objects that are ready before the workload is applied.
type Dependency struct {
	Object string `json:"object"` // "statefulset/postgres", "job/migrate"
	Ready  bool   `json:"ready"`  // a Job has completed
	// Seconds that it was waited for.
	Seconds float64 `json:"seconds"`
	Pods    []Pod   `json:"pods,omitempty"`
}

// Startup is the start of the workload next to its dependencies.
type Startup struct {
	// Applied is when the workload's objects were accepted by the API server.
	Applied time.Time `json:"applied"`
	// Ready is true when as many pods as are wanted were Ready.
	Ready bool `json:"ready"`
	// Seconds from Applied to Ready, or to the end of the observation.
	Seconds float64 `json:"seconds"`
	// WithinDerived tells that the contract did not say how long a start may take.
	WithinDerived bool `json:"withinDerived,omitempty"`
	// Impossible says why waiting was given up before the time was over.
	Impossible string `json:"impossible,omitempty"`
	// Refused says why the cluster made no pod, or too few: the image was not tried.
	Refused string `json:"refused,omitempty"`
	// Warnings are those of the objects that the pods come from, or wait for.
	Warnings []ObjectEvent `json:"warnings,omitempty"`
	Pods     []Pod         `json:"pods,omitempty"`
}

// Health is what the workload answered when it was asked for its health from inside the cluster.
type Health struct {
	// URL is what was asked, with the address of the Service or of the pod.
	URL  string `json:"url"`
	From string `json:"from"` // where the requests were sent from
	// Protocol is "http", "https" or "grpc"; empty in the evidence of a podproof that knew
	// HTTP alone.
	Protocol string `json:"protocol,omitempty"`
	// Through says how they went: "the Service", or "no Service, straight at pod api-1".
	Through string `json:"through,omitempty"`
	// Attempts are in order; the last one is the verdict's.
	Attempts []HTTPAttempt `json:"attempts"`
	Seconds  float64       `json:"seconds"`
}

// HTTPAttempt is one request and its answer. Of gRPC's health protocol, Status is 200 where it
// says SERVING, 503 NOT_SERVING, 404 that it does not know the service, 501 that it has no
// health service, and 500 anything else.
type HTTPAttempt struct {
	At time.Time `json:"at"`
	// URL is where a redirect led, empty for Health.URL.
	URL    string `json:"url,omitempty"`
	Status int    `json:"status,omitempty"` // 0: no answer
	// Location is where the answer sends to.
	Location string `json:"location,omitempty"`
	// Body is at most its first KiB; it is empty, too, where an earlier attempt had the same.
	Body string `json:"body,omitempty"`
	// Failure is a class of Request.Failure.
	Failure string  `json:"failure,omitempty"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Sources of what a node tells, where no node may be touched.
const (
	// SourceEphemeral is podproof's own ephemeral container beside the one that is looked at, in a
	// pod that was made for that.
	SourceEphemeral = "ephemeral"
	// SourceStatus is the pod's status alone.
	SourceStatus = "status"
)

// Identity is who the container's processes are, from /proc/PID/status (proc(5)).
type Identity struct {
	// Source is where that was read: on the node where it is empty, or one of those above.
	Source string `json:"source,omitempty"`
	// Unseen says why the processes could not be looked at. There are none then.
	Unseen    string    `json:"unseen,omitempty"`
	Pod       string    `json:"pod"`
	Container string    `json:"container"`
	Processes []Process `json:"processes"` // ordered by PID inside the container
	// Reported is status.containerStatuses[].user, as the container runtime gave it.
	Reported *corev1.ContainerUser `json:"reported,omitempty"`
	Seconds  float64               `json:"seconds"`
}

// Process is one process of a container.
type Process struct {
	PID     int      `json:"pid"` // inside the container
	Command []string `json:"command,omitempty"`
	Name    string   `json:"name,omitempty"`
	// UIDs and GIDs are real, effective, saved and file-system IDs.
	UIDs       []int64 `json:"uids"`
	GIDs       []int64 `json:"gids"`
	Groups     []int64 `json:"groups,omitempty"`
	CapEff     string  `json:"capEff"` // hexadecimal masks as the kernel prints them
	CapPrm     string  `json:"capPrm,omitempty"`
	CapBnd     string  `json:"capBnd,omitempty"`
	NoNewPrivs bool    `json:"noNewPrivs"`
	// Seccomp is 0 (off), 1 (strict) or 2 (filter).
	Seccomp int `json:"seccomp"`
	// Mounts are the mount points that it sees, as /proc/PID/mountinfo writes them.
	Mounts []string `json:"mounts,omitempty"`
}

// Termination is one pod that was deleted while it ran idle.
type Termination struct {
	Pod Pod `json:"pod"`
	// WasReady tells whether the pod was Ready when it was deleted.
	WasReady bool `json:"wasReady"`
	// WasRunning tells whether the container ran when the pod was deleted.
	WasRunning bool `json:"wasRunning"`
	// GraceSeconds is what the pod granted.
	GraceSeconds int64     `json:"graceSeconds"`
	Deleted      time.Time `json:"deleted"`
	// Exited tells whether an exit was seen at all.
	Exited bool `json:"exited"`
	// Seconds from the deletion to the exit, by the clock that ExitSource names: "node" or "ephemeral"
	// (exact but for ExitBlur), "kubelet" (up to two seconds late) or "watch" (late by what the
	// cluster takes).
	ExitSource string  `json:"exitSource,omitempty"`
	Seconds    float64 `json:"seconds"`
	// ExitBlur is how much earlier than was told the exit may have been, in seconds.
	ExitBlur float64 `json:"exitBlur,omitempty"`
	// Last is the container's final state, when an exit was seen.
	Last *corev1.ContainerStateTerminated `json:"last,omitempty"`
	// Signalled is when the container runtime sent the stop signal, as the node tells it, or when
	// it did to podproof's own container in the pod; zero where that is not known.
	Signalled time.Time `json:"signalled,omitzero"`
	// Held is the number of requests that were under way with half of their body. The rest of
	// the first was sent at Released, and of the last HeldFor seconds after the stop signal; 0
	// where all were sent at once, two seconds after it.
	Held     int       `json:"held,omitempty"`
	Released time.Time `json:"released,omitzero"`
	HeldFor  float64   `json:"heldFor,omitempty"`
	// Undisturbed is the same request to a pod that was not stopped, held for as long as the
	// first that was lost; nil where none was while the process lived.
	Undisturbed *Request `json:"undisturbed,omitempty"`
	// Requests were sent straight to the pod, before the deletion and after it.
	Requests []Request `json:"requests,omitempty"`
	// PID1 is the container's first process, read before the deletion.
	PID1 *Process `json:"pid1,omitempty"`
	// StopSignal is the image's, "SIGTERM" when it names none.
	StopSignal string `json:"stopSignal"`
}

// ExitExact tells whether somebody saw the processes go, beside the kubelet and the API server.
func (t Termination) ExitExact() bool {
	return t.ExitSource == "node" || t.ExitSource == SourceEphemeral
}

// RequiredEnv is one pod for each required variable, started without it.
type RequiredEnv struct {
	Trials  []EnvTrial `json:"trials"`
	Seconds float64    `json:"seconds"`
}

// EnvTrial is a pod that was started without one variable, or with a value that is wrong.
type EnvTrial struct {
	Variable string `json:"variable"`
	// Wrong says how the value that it was given is wrong: "empty", "no URL", "no number".
	// Empty where it was left out.
	Wrong string `json:"wrong,omitempty"`
	// Value is what it was set to then. It is podproof's own, and no secret.
	Value string `json:"value,omitempty"`
	// From is where the manifests set it: "secret/api", "configmap/api", "env"; empty when they do not.
	From string `json:"from,omitempty"`
	// ImageSets is true when the image's own configuration gives the variable a value,
	// so that a pod cannot be without it.
	ImageSets bool `json:"imageSets,omitempty"`
	Pod       Pod  `json:"pod"`
	Exited    bool `json:"exited"`
	// BecameReady is true when the pod served without the variable.
	BecameReady bool                             `json:"becameReady,omitempty"`
	Last        *corev1.ContainerStateTerminated `json:"last,omitempty"`
	// ServiceLink is the value that Kubernetes gives the variable in a pod of the manifests, for
	// a Service of theirs and with enableServiceLinks on; empty where it does not.
	ServiceLink string `json:"serviceLink,omitempty"`
	// Seconds from the container's start (or the pod's creation, when it did not start) to the end of the trial.
	Seconds float64 `json:"seconds"`
	// Problem says why the trial told nothing.
	Problem string `json:"problem,omitempty"`
}

package check

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"podproof.dev/podproof/internal/evidence"
)

// unscheduled is a pod that no node takes.
func unscheduled(message string, change func(*corev1.PodSpec)) evidence.Evidence {
	return pods(func(p *evidence.Pod) {
		p.Status.ContainerStatuses = nil
		p.Status.Conditions[0] = corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: message}
		change(&p.Spec)
	})
}

// notMade is a start of which the cluster made no pod.
func notMade(s evidence.Startup) evidence.Evidence {
	s.Applied, s.Seconds = at(0), 12
	return with(func(e *evidence.Evidence) { e.Startup = &s })
}

// startupTroubleExamples are pods that the cluster does not make, does not place, or does not
// start: the image was not tried, or the message names what is wrong with it.
var startupTroubleExamples = []example{
	{name: "no pods were asked for", c: goodContract(), want: Inconclusive, says: []string{"no pod was started", "spec.replicas"}, e: notMade(evidence.Startup{Ready: true})},
	{name: "no pod, and no reason", c: goodContract(), want: Inconclusive, says: []string{"nothing says why", "spec.selector"}, e: notMade(evidence.Startup{})},
	{name: "a quota, as an older podproof tells it", c: goodContract(), want: Inconclusive, says: []string{"exceeded quota", "Raise the ResourceQuota"},
		e: notMade(evidence.Startup{Impossible: `pods "api-" is forbidden: exceeded quota`})},
	{name: "no such priority class", c: goodContract(), want: Inconclusive,
		says: []string{"replicaset/api-7d9f may not create pods", "no PriorityClass with name high-priority", "Add the PriorityClass", "was not tried"},
		e: notMade(evidence.Startup{Refused: `replicaset/api-7d9f may not create pods: pods "api-" is forbidden: no PriorityClass with name high-priority was found`,
			Impossible: "the same"})},
	{name: "no such service account, heard late", c: goodContract(), want: Inconclusive, says: []string{`serviceaccount "shop" not found`, "Add the ServiceAccount"},
		e: notMade(evidence.Startup{Warnings: []evidence.ObjectEvent{{Object: "replicaset/api-7d9f", Event: evidence.Event{Reason: "FailedCreate",
			Message: `Error creating: pods "api-" is forbidden: error looking up service account x/shop: serviceaccount "shop" not found`}}}})},
	{name: "one pod of two, and that one crashes", c: goodContract(), want: Fail, says: []string{"CrashLoopBackOff"}, e: with(func(e *evidence.Evidence) {
		p := goodPod("api-1")
		notReady(&p)
		crashes(corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"})(&p)
		e.Startup = &evidence.Startup{Applied: at(0), Seconds: 12, Impossible: "pod api-1: the process ends again and again",
			Refused: "replicaset/api-7d9f may not create pods: exceeded quota", Pods: []evidence.Pod{p}}
	})},
	{name: "required anti-affinity on one node", c: goodContract(), want: Inconclusive, says: []string{"affinity.podAntiAffinity (topologyKey kubernetes.io/hostname)", "replicas: 1"},
		e: unscheduled("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.", func(s *corev1.PodSpec) {
			s.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: "kubernetes.io/hostname"}}}}
		})},
	{name: "spread over zones", c: goodContract(), want: Inconclusive, says: []string{"topologySpreadConstraints (topologyKey topology.kubernetes.io/zone)", "ScheduleAnyway"},
		e: unscheduled("0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label).", func(s *corev1.PodSpec) {
			s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{TopologyKey: "topology.kubernetes.io/zone", WhenUnsatisfiable: corev1.DoNotSchedule}}
		})},
	{name: "nodes of production", c: goodContract(), want: Inconclusive, says: []string{"nodeSelector (disktype: ssd, pool: api)", "kustomize overlay"},
		e: unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", func(s *corev1.PodSpec) {
			s.NodeSelector = map[string]string{"pool": "api", "disktype": "ssd"}
		})},
	{name: "requests of production", c: goodContract(), want: Inconclusive, says: []string{"requests cpu 6", "smaller resources.requests"},
		e: unscheduled("0/1 nodes are available: 1 Insufficient cpu.", func(s *corev1.PodSpec) {
			s.Containers = []corev1.Container{{Name: "api", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("6")}}}}
		})},
	{name: "a storage class that is not there", c: goodContract(), want: Inconclusive, says: []string{"persistentvolumeclaim/data", `"gp3" not found`, "storageClassName"}, e: func() evidence.Evidence {
		e := unscheduled("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.", func(s *corev1.PodSpec) {
			s.Volumes = []corev1.Volume{{Name: "d", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"}}}}
		})
		e.Startup.Warnings = []evidence.ObjectEvent{{Object: "persistentvolumeclaim/data", Event: evidence.Event{Reason: "ProvisioningFailed", Message: `storageclass.storage.k8s.io "gp3" not found`}}}
		return e
	}()},
	{name: "an init container's image", c: goodContract(), want: Inconclusive, says: []string{"init container wait-for-db", "Image busybox:1.36 is not on the node", "docker pull"},
		e: pods(func(p *evidence.Pod) {
			waits("PodInitializing", "")(p)
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait-for-db", Image: "busybox:1.36",
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such host"}}}}
		})},
	{name: "an init container that never ends", c: goodContract(), want: Fail, says: []string{"init container wait-for-db has not ended", "no response from postgres"},
		e: pods(func(p *evidence.Pod) {
			p.OtherLogs = []evidence.ContainerLog{{Container: "wait-for-db", Lines: []evidence.LogLine{{Text: "no response from postgres"}}}}
			waits("PodInitializing", "")(p)
			p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait-for-db", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}}
		})},
	{name: "a readiness gate that nobody sets", c: goodContract(), want: Inconclusive, says: []string{"readiness gate target-health.elbv2.k8s.aws/api is not set", "leave readinessGates out"},
		e: pods(func(p *evidence.Pod) {
			p.Status.ContainerStatuses[0].Ready = true
			p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "target-health.elbv2.k8s.aws/api"}}
		})},
	{name: "a probe whose program is not there", c: goodContract(), want: Fail, says: []string{"runs curl, which is not in the image", "httpGet"},
		e: pods(func(p *evidence.Pod) {
			p.Events = []evidence.Event{event(5, "Warning", "Unhealthy", `Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH`)}
		})},
	{name: "a probe of a port that is not named", c: goodContract(), want: Fail, says: []string{`port "web"`, "name: web"},
		e: pods(func(p *evidence.Pod) {
			p.Events = []evidence.Event{event(5, "Warning", "Unhealthy", `Readiness probe errored and resulted in unknown state: strconv.Atoi: parsing "web": invalid syntax`)}
		})},
	{name: "a file capability that may not be had", c: goodContract(), want: Fail, says: []string{"file capability", "setcap -r; a port above 1023 does not need it"},
		e: pods(crashes(corev1.ContainerStateTerminated{ExitCode: 128, Reason: "StartError", Message: `exec: "/mimic": operation not permitted`}))},
	{name: "another architecture, told in the log alone", c: goodContract(), want: Fail, says: []string{"another architecture", "--platform"},
		e: pods(func(p *evidence.Pod) {
			crashes(corev1.ContainerStateTerminated{ExitCode: 255, Reason: "Error"})(p)
			p.Log = []evidence.LogLine{{Text: "exec /mimic: exec format error"}}
		})},
	{name: "no such group", c: goodContract(), want: Fail, says: []string{"nobody", "nogroup"},
		e: pods(waits("CreateContainerError", "unable to find group nobody: no matching entries in group file"))},
	{name: "an image whose other name was just taken off", c: goodContract(), want: Inconclusive, says: []string{"lost the image", "run podproof again"},
		e: pods(waits("CreateContainerError", `failed to get image from containerd "sha256:d01d": image "podproof.local/agent:run-a": not found`))},
	{name: "podproof's own 30 s", c: goodContract(), want: Fail, says: []string{"30s is podproof's default; set startup.within"},
		e: with(func(e *evidence.Evidence) { e.Startup.Seconds, e.Startup.WithinDerived = 40, true })},
}

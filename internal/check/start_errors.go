package check

import (
	"fmt"
	"regexp"
	"strings"

	"podproof.dev/podproof/internal/evidence"
)

// configErrorFix knows the messages with which the kubelet refuses to make a container.
func configErrorFix(message string) string {
	switch {
	case strings.Contains(message, "non-numeric user"):
		return "runAsNonRoot is asked for, and the kubelet cannot tell whether a user's name is root: let the Dockerfile say USER 1001 " +
			"(a number), or the manifest runAsUser: 1001."
	case strings.Contains(message, "image will run as root"), strings.Contains(message, "runAsUser breaks non-root policy"):
		return "runAsNonRoot is asked for and the image runs as root: let the Dockerfile end with USER 1001, or the manifest say runAsUser: 1001."
	case strings.Contains(message, "secret"), strings.Contains(message, "Secret"), strings.Contains(message, "configmap"), strings.Contains(message, "ConfigMap"):
		return "Add the Secret or ConfigMap, or the key, that is named there to the contract's manifests."
	}
	return ""
}

// configErrorField is the container's field by which such a message is avoided.
func configErrorField(message string) string {
	for _, root := range []string{"non-numeric user", "image will run as root", "runAsUser breaks non-root policy"} {
		if strings.Contains(message, root) {
			return "securityContext.runAsUser"
		}
	}
	return "env"
}

// startErrorFix knows the messages with which a runtime fails to start a process.
func startErrorFix(message string) string {
	switch {
	case strings.Contains(message, "unable to find user"), strings.Contains(message, "unable to find group"):
		return "The user or group that USER names is not in the image's /etc/passwd or /etc/group (a Debian image has the group nogroup, not nobody): " +
			"create it, or write numbers: USER 1001:1001."
	case strings.Contains(message, "executable file not found"), strings.Contains(message, "no such file or directory"):
		return "The program of CMD or ENTRYPOINT is not in the image, or the interpreter or loader that it names is not: " +
			"copy it into the last stage (a dynamically linked program needs its libc), and give its full path."
	case strings.Contains(message, "exec format error"):
		return "The program was built for another architecture than the node's (an arm64 program on amd64, or the reverse), or a script lacks its #! line: " +
			"build for the platform that it runs on (docker build --platform, GOARCH, TARGETARCH)."
	case strings.Contains(message, "operation not permitted"):
		return "The kernel does not start a program with a file capability (setcap …+ep) that the container may not have: take it off (setcap -r; a port " +
			"above 1023 does not need it), or let securityContext.capabilities.add name it."
	case strings.Contains(message, "permission denied"):
		return "The program cannot be executed by the container's user: set its mode in the Dockerfile (RUN chmod 0755)."
	case strings.Contains(message, "read-only file system"):
		return "Something is written to the read-only root file system: mount an emptyDir there."
	}
	return ""
}

// execFailed are the words of a runtime whose exec(2) of the container's program failed, in the
// container's own log.
var execFailed = regexp.MustCompile(`^exec .*: (exec format error|operation not permitted|permission denied|no such file or directory)$`)

// execFailure is the last line of a log in which the runtime says that it could not start the program.
func execFailure(p evidence.Pod) string {
	for _, l := range p.Log[max(0, len(p.Log)-3):] {
		if text := strings.TrimSpace(l.Text); execFailed.MatchString(text) {
			return text
		}
	}
	return ""
}

// refusalFix knows the messages with which the API server refuses a controller's pods.
func refusalFix(message string) string {
	fix := "Let the cluster allow what is named there, or leave it out of the manifests"
	switch {
	case strings.Contains(message, "PriorityClass"):
		fix = "Add the PriorityClass to the contract's manifests, or leave priorityClassName out in a kustomize overlay for the cluster that podproof tries them in"
	case strings.Contains(message, "service account"), strings.Contains(message, "serviceaccount"):
		fix = "Add the ServiceAccount to the contract's manifests, or leave serviceAccountName out"
	case strings.Contains(message, "exceeded quota"):
		fix = "Raise the ResourceQuota, which also has to hold podproof's own pods beside the workload's, or leave it out of the manifests"
	case strings.Contains(message, "LimitRange"), strings.Contains(message, "maximum cpu"), strings.Contains(message, "maximum memory"):
		fix = "Let the containers' resources keep to the LimitRange"
	case strings.Contains(message, "PodSecurity"):
		fix = "Give the pod the securityContext that the Pod Security level of its namespace asks for; see security/restricted"
	case strings.Contains(message, "RuntimeClass"):
		fix = "Leave runtimeClassName out in a kustomize overlay for the cluster that podproof tries them in"
	}
	return fix + ". The image itself was not tried."
}

// imageFix is what to do about an image that a node neither has nor can pull.
func imageFix(image string) string {
	return fmt.Sprintf("Image %s is not on the node, and could not be pulled: podproof loads what the Docker engine has, so docker pull (or build) it first, "+
		"or let --set-image %s=OTHER stand in for it, with imagePullPolicy IfNotPresent.", image, image)
}

var (
	execMissing = regexp.MustCompile(`exec: "([^"]+)": (?:executable file not found|stat .*: no such file)`)
	portMissing = regexp.MustCompile(`strconv\.Atoi: parsing "([^"]+)"|couldn't find port: (\S+)`)
)

// probeErrorFix knows the messages with which a kubelet tells that it could not carry a probe out.
func probeErrorFix(message string) (seen, fix string) {
	if m := execMissing.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("the probe's command runs %s, which is not in the image", m[1]),
			fmt.Sprintf("Ask with httpGet, grpc or tcpSocket, which need no program, instead of %s; or let the probe run a program that the image has.", m[1])
	}
	if m := portMissing.FindStringSubmatch(message); m != nil {
		name := m[1] + m[2]
		return fmt.Sprintf("the probe asks port %q, and none of the container's ports has that name", name),
			fmt.Sprintf("Declare the port (ports: [{name: %s, containerPort: …}]), or let the probe name one that is.", name)
	}
	return "", ""
}

package workload

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// What an API server refuses although the fields have the right types
// (pkg/apis/core/validation, pkg/apis/apps/validation): the rules that manifests are known to break.
// The package itself cannot be imported without all of Kubernetes.

// admitted looks at what the API server demands of each object that is applied.
func (l *look) admitted() {
	for _, o := range l.Objects {
		l.name(o)
		switch o.GetKind() {
		case "Service":
			l.service(o)
		case "Secret", "ConfigMap":
			l.keys(o)
		case "Deployment":
			l.strategy(o)
		}
	}
	jobs, err := Jobs(l.Objects)
	if err != nil {
		return // told where the Jobs are read
	}
	for _, r := range slices.Concat(l.Controllers, jobs) {
		l.template(r)
	}
}

// wants is a problem with a field of an object.
func (l *look) wants(o Object, path, format string, a ...any) {
	l.fail(o.Source.At(path), o, "%s: %s", path, fmt.Sprintf(format, a...))
}

// placeholder is what envsubst and the like would fill in.
var placeholder = regexp.MustCompile(`\$\{?\w+`)

// name looks at the names of the kinds that are DNS names; those of roles, for one, are not.
func (l *look) name(o Object) {
	valid := validation.IsDNS1123Subdomain
	switch o.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet", "Pod", "Job", "Secret", "ConfigMap", "ServiceAccount", "PersistentVolumeClaim", "Ingress", "PodDisruptionBudget":
	case "Service":
		valid = validation.IsDNS1123Label
	default:
		return
	}
	if isCustom(o) || len(valid(o.GetName())) == 0 {
		return
	}
	hint := "write lower-case letters, digits and hyphens"
	if placeholder.MatchString(o.GetName()) {
		hint = "fill the variable in first, as `envsubst` does"
	}
	l.wants(o, "metadata.name", "%q is no name that Kubernetes takes: %s", o.GetName(), hint)
}

// service looks at a Service's ports.
func (l *look) service(o Object) {
	var s corev1.Service
	if isCustom(o) || convert(o, &s) != nil {
		return
	}
	if len(s.Spec.Ports) == 0 && s.Spec.ClusterIP != corev1.ClusterIPNone && s.Spec.Type != corev1.ServiceTypeExternalName {
		l.wants(o, "spec.ports", "a Service needs a port; one without is headless: clusterIP: None")
	}
	var names []string
	for i, p := range s.Spec.Ports {
		at := fmt.Sprintf("spec.ports[%d]", i)
		l.portNumber(o, at+".port", p.Port)
		if p.TargetPort.Type == intstr.Int && p.TargetPort.IntVal != 0 {
			l.portNumber(o, at+".targetPort", p.TargetPort.IntVal)
		}
		switch {
		case p.Name == "" && len(s.Spec.Ports) > 1:
			l.wants(o, at+".name", "a Service of several ports needs a name for each")
		case p.Name != "" && slices.Contains(names, p.Name):
			l.wants(o, at+".name", "another port has the name %s, too", p.Name)
		}
		names = append(names, p.Name)
	}
}

func (l *look) portNumber(o Object, path string, port int32) {
	if len(validation.IsValidPortNum(int(port))) > 0 {
		l.wants(o, path, "%d is no port: write a number from 1 to 65535", port)
	}
}

// typedKeys are those that a Secret of a type needs.
var typedKeys = map[corev1.SecretType][]string{
	corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
	corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
	corev1.SecretTypeDockercfg:        {corev1.DockerConfigKey},
	corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
}

func (l *look) keys(o Object) {
	keys, _ := keysOf(o)
	for _, key := range keys {
		if len(validation.IsConfigMapKey(key)) > 0 {
			l.wants(o, "data", "the key %q is none that Kubernetes takes: write letters, digits, hyphens, underscores and dots", key)
		}
	}
	t, _ := o.Object["type"].(string)
	for _, key := range typedKeys[corev1.SecretType(t)] {
		if o.GetKind() == "Secret" && !slices.Contains(keys, key) {
			l.wants(o, "type", "a Secret of the type %s needs the key %s; it has %s", t, key, orNone(keys))
		}
	}
}

func (l *look) strategy(o Object) {
	var d appsv1.Deployment
	if convert(o, &d) != nil {
		return
	}
	s := d.Spec.Strategy
	switch {
	case s.Type == appsv1.RecreateDeploymentStrategyType && s.RollingUpdate != nil:
		l.wants(o, "spec.strategy.rollingUpdate", "it may not stand beside type: Recreate: remove one of them")
	case s.RollingUpdate != nil && none(s.RollingUpdate.MaxSurge) && none(s.RollingUpdate.MaxUnavailable):
		l.wants(o, "spec.strategy.rollingUpdate", "maxSurge and maxUnavailable may not both be 0: no pod could be replaced")
	}
}

// none tells whether a number or a percentage is there and 0.
func none(n *intstr.IntOrString) bool {
	return n != nil && (n.Type == intstr.Int && n.IntVal == 0 || n.Type == intstr.String && n.StrVal == "0%")
}

// template looks at a pod template.
func (l *look) template(r Controller) {
	path, spec := strings.Join(podSpecPath(r.GetKind()), "."), r.Template.Spec
	switch policy := spec.RestartPolicy; {
	case r.GetKind() == "Job" && policy != corev1.RestartPolicyNever && policy != corev1.RestartPolicyOnFailure:
		l.wants(r.Object, path+".restartPolicy", "a Job's has to be Never or OnFailure")
	case r.GetKind() != "Job" && r.GetKind() != "Pod" && policy != "" && policy != corev1.RestartPolicyAlways:
		l.wants(r.Object, path+".restartPolicy", "%s is not for a %s, whose pods are always started again: remove it", policy, r.GetKind())
	}
	if g := spec.TerminationGracePeriodSeconds; g != nil && *g < 0 {
		l.wants(r.Object, path+".terminationGracePeriodSeconds", "it is %d, and may not be negative", *g)
	}
	if len(spec.Containers) == 0 {
		l.wants(r.Object, path+".containers", "a pod needs a container")
	}
	volumes := l.volumes(r, path)
	var names []string
	for _, list := range []struct {
		field      string
		containers []corev1.Container
	}{{"initContainers", spec.InitContainers}, {"containers", spec.Containers}} {
		for i, c := range list.containers {
			at := fmt.Sprintf("%s.%s[%d]", path, list.field, i)
			switch {
			case len(validation.IsDNS1123Label(c.Name)) > 0:
				l.wants(r.Object, at+".name", "%q is no name of a container: write lower-case letters, digits and hyphens", c.Name)
			case slices.Contains(names, c.Name):
				l.wants(r.Object, at+".name", "another container of the pod has the name %s, too", c.Name)
			}
			names = append(names, c.Name)
			l.container(r, at, c, volumes)
		}
	}
}

// volumes looks at a pod's, and returns the names that a container may mount.
func (l *look) volumes(r Controller, path string) []string {
	var names []string
	for i, v := range r.Template.Spec.Volumes {
		at := fmt.Sprintf("%s.volumes[%d]", path, i)
		switch {
		case len(validation.IsDNS1123Label(v.Name)) > 0:
			l.wants(r.Object, at+".name", "%q is no name of a volume: write lower-case letters, digits and hyphens", v.Name)
		case slices.Contains(names, v.Name):
			l.wants(r.Object, at+".name", "another volume of the pod has the name %s, too", v.Name)
		}
		names = append(names, v.Name)
		for _, m := range modesOf(v) {
			if m.mode != nil && (*m.mode < 0 || *m.mode > 0o777) {
				l.wants(r.Object, at+m.field, "it is %d, which is %#o; write 0%d, with the 0, for an octal number", *m.mode, *m.mode, *m.mode)
			}
		}
	}
	claims, _, _ := unstructured.NestedSlice(r.Object.Object, "spec", "volumeClaimTemplates")
	for _, c := range claims {
		m, _ := c.(map[string]any)
		name, _, _ := unstructured.NestedString(m, "metadata", "name")
		names = append(names, name)
	}
	return names
}

type fileMode struct {
	field string
	mode  *int32
}

func modesOf(v corev1.Volume) []fileMode {
	var out []fileMode
	add := func(source string, mode *int32, items []corev1.KeyToPath) {
		out = append(out, fileMode{source + ".defaultMode", mode})
		for i, item := range items {
			out = append(out, fileMode{fmt.Sprintf("%s.items[%d].mode", source, i), item.Mode})
		}
	}
	switch {
	case v.Secret != nil:
		add(".secret", v.Secret.DefaultMode, v.Secret.Items)
	case v.ConfigMap != nil:
		add(".configMap", v.ConfigMap.DefaultMode, v.ConfigMap.Items)
	case v.Projected != nil:
		add(".projected", v.Projected.DefaultMode, nil)
	}
	return out
}

func (l *look) container(r Controller, at string, c corev1.Container, volumes []string) {
	o := r.Object
	if strings.TrimSpace(c.Image) == "" || c.Image != strings.TrimSpace(c.Image) {
		l.wants(o, at+".image", "%q is no image", c.Image)
	}
	if p := c.ImagePullPolicy; p != "" && p != corev1.PullAlways && p != corev1.PullNever && p != corev1.PullIfNotPresent {
		l.wants(o, at+".imagePullPolicy", "it is %q: write Always, IfNotPresent or Never", p)
	}
	var names []string
	for i, p := range c.Ports {
		at := fmt.Sprintf("%s.ports[%d]", at, i)
		l.portNumber(o, at+".containerPort", p.ContainerPort)
		switch wrong := validation.IsValidPortName(p.Name); {
		case p.Name == "":
		case len(wrong) > 0:
			l.wants(o, at+".name", "%q is no name of a port: %s", p.Name, strings.Join(wrong, ", "))
		case slices.Contains(names, p.Name):
			l.wants(o, at+".name", "another port of the container has the name %s, too", p.Name)
		}
		names = append(names, p.Name)
	}
	var paths []string
	for i, m := range c.VolumeMounts {
		at := fmt.Sprintf("%s.volumeMounts[%d]", at, i)
		if !slices.Contains(volumes, m.Name) {
			l.wants(o, at+".name", "the pod has no volume %s; it has %s", m.Name, orNone(volumes))
		}
		switch {
		case m.MountPath == "":
			l.wants(o, at+".mountPath", "it is missing")
		case slices.Contains(paths, m.MountPath):
			l.wants(o, at+".mountPath", "something else is mounted at %s, too", m.MountPath)
		}
		paths = append(paths, m.MountPath)
	}
	l.variables(o, at, c)
	l.resources(o, at, c)
	for _, p := range []struct {
		field string
		probe *corev1.Probe
	}{{"startupProbe", c.StartupProbe}, {"readinessProbe", c.ReadinessProbe}, {"livenessProbe", c.LivenessProbe}} {
		if p.probe != nil {
			l.probe(o, at+"."+p.field, *p.probe, p.field != "readinessProbe")
		}
	}
	user, nonRoot := c.SecurityContext, r.Template.Spec.SecurityContext
	if runsAsRoot(user, nonRoot) {
		l.about(r, at+".securityContext", "the container %s has runAsNonRoot: true and runAsUser: 0, so the kubelet would not start it: set another user, or remove runAsNonRoot", c.Name)
	}
}

// runsAsRoot tells whether a container is given the user 0 and forbidden to have it. What it leaves
// out is the pod's.
func runsAsRoot(c *corev1.SecurityContext, pod *corev1.PodSecurityContext) bool {
	var user *int64
	var nonRoot *bool
	if pod != nil {
		user, nonRoot = pod.RunAsUser, pod.RunAsNonRoot
	}
	if c != nil && c.RunAsUser != nil {
		user = c.RunAsUser
	}
	if c != nil && c.RunAsNonRoot != nil {
		nonRoot = c.RunAsNonRoot
	}
	return user != nil && *user == 0 && nonRoot != nil && *nonRoot
}

func (l *look) variables(o Object, at string, c corev1.Container) {
	for i, e := range c.Env {
		at := fmt.Sprintf("%s.env[%d]", at, i)
		if e.Name == "" || strings.Contains(e.Name, "=") {
			l.wants(o, at+".name", "%q is no name of a variable", e.Name)
		}
		from := e.ValueFrom
		if from == nil {
			continue
		}
		if e.Value != "" {
			l.wants(o, at, "%s has both value and valueFrom: remove one of them", e.Name)
		}
		if *from == (corev1.EnvVarSource{}) {
			l.wants(o, at+".valueFrom", "it says not from what: name a secretKeyRef, a configMapKeyRef, a fieldRef or a resourceFieldRef")
		}
		if f := from.FieldRef; f != nil && !ofPod.MatchString(f.FieldPath) {
			l.wants(o, at+".valueFrom.fieldRef.fieldPath", "%q is no field that a variable may have, as metadata.name, metadata.namespace, spec.nodeName and status.podIP are", f.FieldPath)
		}
	}
}

// ofPod are the fields of a pod that become variables (pkg/apis/core/validation, validEnvDownwardAPIFieldPathExpressions).
var ofPod = regexp.MustCompile(`^(metadata\.(name|namespace|uid|labels\['.+'\]|annotations\['.+'\])|spec\.(nodeName|serviceAccountName)|status\.(hostIPs?|podIPs?))$`)

func (l *look) resources(o Object, at string, c corev1.Container) {
	for _, name := range slices.Sorted(maps.Keys(c.Resources.Requests)) {
		request := c.Resources.Requests[name]
		if limit, ok := c.Resources.Limits[name]; ok && request.Cmp(limit) > 0 {
			l.wants(o, at+".resources.requests."+string(name), "it requests %s, and its limit is %s: a request may not be above it", request.String(), limit.String())
		}
	}
}

func (l *look) probe(o Object, at string, p corev1.Probe, once bool) {
	handlers := 0
	for _, there := range []bool{p.Exec != nil, p.HTTPGet != nil, p.TCPSocket != nil, p.GRPC != nil} {
		if there {
			handlers++
		}
	}
	switch {
	case handlers == 0:
		l.wants(o, at, "it asks nothing: name an httpGet, a tcpSocket, a grpc or an exec")
	case handlers > 1:
		l.wants(o, at, "it asks in %d ways, and may in one: leave one of httpGet, tcpSocket, grpc and exec", handlers)
	}
	if once && p.SuccessThreshold > 1 {
		l.wants(o, at+".successThreshold", "it is %d, and may only be 1", p.SuccessThreshold)
	}
	for _, n := range []struct {
		field  string
		number int32
	}{{"initialDelaySeconds", p.InitialDelaySeconds}, {"timeoutSeconds", p.TimeoutSeconds}, {"periodSeconds", p.PeriodSeconds}, {"successThreshold", p.SuccessThreshold}, {"failureThreshold", p.FailureThreshold}} {
		if n.number < 0 {
			l.wants(o, at+"."+n.field, "it is %d, and may not be negative", n.number)
		}
	}
	for _, n := range []struct {
		field string
		port  *intstr.IntOrString
	}{{"httpGet", httpPort(p)}, {"tcpSocket", tcpPort(p)}} {
		if n.port != nil && n.port.Type == intstr.Int {
			l.portNumber(o, at+"."+n.field+".port", n.port.IntVal)
		}
	}
}

func httpPort(p corev1.Probe) *intstr.IntOrString {
	if p.HTTPGet == nil {
		return nil
	}
	return &p.HTTPGet.Port
}

func tcpPort(p corev1.Probe) *intstr.IntOrString {
	if p.TCPSocket == nil {
		return nil
	}
	return &p.TCPSocket.Port
}

package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// pods looks at what the pods of a controller refer to.
func (l *look) pods(r Controller) {
	path := strings.Join(podSpecPath(r.GetKind()), ".")
	spec := r.Template.Spec
	if name := spec.ServiceAccountName; name != "" && name != "default" && !l.has("ServiceAccount", name) {
		if l.Namespace != "" {
			l.note(r.Source.At(path), r.Object, "its pods run as the service account %s, which no manifest holds; it is taken as it is in namespace %s", name, l.Namespace)
		} else {
			l.about(r, path+".serviceAccountName", "its pods run as the service account %s, which no manifest creates, so no pod could be created; add it to the manifests%s", name, l.maker(name))
		}
	}
	for _, list := range []struct {
		field      string
		containers []corev1.Container
	}{{"initContainers", spec.InitContainers}, {"containers", spec.Containers}} {
		for i, c := range list.containers {
			at := fmt.Sprintf("%s.%s[%d]", path, list.field, i)
			l.probePorts(r, at, c)
			l.environment(r, at, c)
		}
	}
	for i, v := range spec.Volumes {
		at := fmt.Sprintf("%s.volumes[%d]", path, i)
		switch {
		case v.Secret != nil:
			l.files(r, at+".secret", "Secret", v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
		case v.ConfigMap != nil:
			l.files(r, at+".configMap", "ConfigMap", v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
		case v.PersistentVolumeClaim != nil:
			l.refer(r, at, "PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName, "", nil)
		case v.Projected != nil:
			for j, s := range v.Projected.Sources {
				at := fmt.Sprintf("%s.projected.sources[%d]", at, j)
				if s.Secret != nil {
					l.files(r, at+".secret", "Secret", s.Secret.Name, s.Secret.Items, s.Secret.Optional)
				}
				if s.ConfigMap != nil {
					l.files(r, at+".configMap", "ConfigMap", s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional)
				}
			}
		}
	}
}

// files looks for an object whose keys become files: those that are listed, or else all.
func (l *look) files(r Controller, path, kind, name string, items []corev1.KeyToPath, optional *bool) {
	if len(items) == 0 || !l.has(kind, name) {
		l.refer(r, path, kind, name, "", optional)
		return
	}
	for i, item := range items {
		l.refer(r, fmt.Sprintf("%s.items[%d]", path, i), kind, name, item.Key, optional)
	}
}

// probePorts looks for named ports, which the kubelet looks for in the probe's own container
// (pkg/probe/util.go, ResolveContainerPort).
func (l *look) probePorts(r Controller, at string, c corev1.Container) {
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"startupProbe", c.StartupProbe}, {"readinessProbe", c.ReadinessProbe}, {"livenessProbe", c.LivenessProbe}} {
		var port *intstr.IntOrString
		var field string
		switch {
		case p.probe != nil && p.probe.HTTPGet != nil:
			port, field = &p.probe.HTTPGet.Port, "httpGet"
		case p.probe != nil && p.probe.TCPSocket != nil:
			port, field = &p.probe.TCPSocket.Port, "tcpSocket"
		}
		if port != nil && port.Type == intstr.String && !declares(c, port.StrVal) {
			l.about(r, at+"."+p.name+"."+field+".port", "the %s of the container %s asks the port %q, and the container has no port of that name; it has %s: name one of them, or a number",
				p.name, c.Name, port.StrVal, portsIn(c))
		}
	}
}

func (l *look) environment(r Controller, at string, c corev1.Container) {
	for i, e := range c.EnvFrom {
		at := fmt.Sprintf("%s.envFrom[%d]", at, i)
		if s := e.SecretRef; s != nil {
			l.refer(r, at, "Secret", s.Name, "", s.Optional)
		}
		if m := e.ConfigMapRef; m != nil {
			l.refer(r, at, "ConfigMap", m.Name, "", m.Optional)
		}
	}
	for i, e := range c.Env {
		at := fmt.Sprintf("%s.env[%d].valueFrom", at, i)
		if e.ValueFrom == nil {
			continue
		}
		if s := e.ValueFrom.SecretKeyRef; s != nil {
			l.refer(r, at, "Secret", s.Name, s.Key, s.Optional)
		}
		if m := e.ValueFrom.ConfigMapKeyRef; m != nil {
			l.refer(r, at, "ConfigMap", m.Name, m.Key, m.Optional)
		}
	}
}

// madeByKubernetes is in every namespace (RootCAConfigMap).
const madeByKubernetes = "kube-root-ca.crt"

// refer looks for an object, and its key where one is named.
func (l *look) refer(r Controller, path, kind, name, key string, optional *bool) {
	if optional != nil && *optional || kind == "ConfigMap" && name == madeByKubernetes {
		return
	}
	i := slices.IndexFunc(l.Objects, func(o Object) bool { return o.GetKind() == kind && o.GetName() == name })
	object := strings.ToLower(kind) + "/" + name
	if i < 0 && kind == "Secret" && l.needs(r) && !slices.Contains(l.secrets, object) {
		l.secrets = append(l.secrets, object)
	}
	switch {
	case i < 0 && l.Namespace != "":
		l.note(r.Source.At(path), r.Object, "its pods need %s, which is in no manifest; it is taken as it is in namespace %s", object, l.Namespace)
	case i < 0 && l.mayMake(kind):
		l.note(r.Source.At(path), r.Object, "its pods need %s, which is in no manifest; something that the manifests start has to create it", object)
	case i < 0:
		with := ""
		if key != "" {
			with = " with the key " + key
		}
		l.about(r, path, "its pods need %s, which no manifest creates, so they would not start; add it%s to the manifests%s", object, with, l.maker(name))
	case key != "":
		if keys, all := keysOf(l.Objects[i]); all && !slices.Contains(keys, key) {
			l.about(r, path, "its pods need the key %s of %s, which has %s; add the key there (%s)", key, object, orNone(keys), l.Objects[i].Source)
		}
	}
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// keysOf are the keys of a Secret or ConfigMap. It is false where somebody else fills it in,
// as the token of a service account.
func keysOf(o Object) (keys []string, all bool) {
	if t, _ := o.Object["type"].(string); t == string(corev1.SecretTypeServiceAccountToken) {
		return nil, false
	}
	for _, field := range []string{"data", "stringData", "binaryData"} {
		m, _ := o.Object[field].(map[string]any)
		keys = append(keys, slices.Collect(maps.Keys(m))...)
	}
	slices.Sort(keys)
	return keys, true
}

// Variables are the keys of a Secret or a ConfigMap of the manifests from which a kubelet makes
// variables where a container takes it whole: not those of binaryData. It is false where the
// manifests hold none of that name, or somebody else fills it in.
func Variables(objects []Object, kind, name string) (keys []string, known bool) {
	for _, o := range objects {
		if o.GetKind() != kind || o.GetName() != name {
			continue
		}
		if _, all := keysOf(o); !all {
			return nil, false
		}
		for _, field := range []string{"data", "stringData"} {
			m, _ := o.Object[field].(map[string]any)
			keys = append(keys, slices.Collect(maps.Keys(m))...)
		}
		slices.Sort(keys)
		return slices.Compact(keys), true
	}
	return nil, false
}

func (l *look) has(kind, name string) bool {
	return slices.ContainsFunc(l.Objects, func(o Object) bool { return o.GetKind() == kind && o.GetName() == name })
}

// mayMake tells whether the manifests themselves let somebody make objects of a kind: by a role,
// or by a custom resource that goes into the cluster beside its controller.
func (l *look) mayMake(kind string) bool {
	resource := strings.ToLower(kind) + "s"
	for _, o := range l.Objects {
		if isCustom(o) {
			return true
		}
		if o.GetKind() != "Role" && o.GetKind() != "ClusterRole" {
			continue
		}
		var role rbacv1.ClusterRole
		if convert(o, &role) != nil {
			continue
		}
		for _, rule := range role.Rules {
			if contains(rule.APIGroups, corev1.GroupName) && contains(rule.Resources, resource) && contains(rule.Verbs, "create") {
				return true
			}
		}
	}
	return false
}

func contains(list []string, one string) bool {
	return slices.Contains(list, one) || slices.Contains(list, "*")
}

// maker says what was left out that may have made the object of that name: one that names it,
// as an ExternalSecret or a Certificate does, or else the Jobs of Helm's hooks.
func (l *look) maker(name string) string {
	var hooks []string
	for _, left := range l.Left {
		for _, o := range left.Objects {
			switch {
			case isCustom(o) && (o.GetName() == name || mentions(o.Object["spec"], name)):
				return fmt.Sprintf(" (%s at %s would create it, and is left out: this cluster does not have its kind)", o, o.Source)
			case o.GetKind() == "Job" && o.GetAnnotations()[hookAnnotation] != "":
				hooks = append(hooks, o.String())
			}
		}
	}
	if len(hooks) > 0 {
		return fmt.Sprintf(" (perhaps %s creates it, which is left out as a Helm hook)", strings.Join(hooks, ", "))
	}
	return ""
}

// mentions tells whether a value at or below a node is the text.
func mentions(node any, text string) bool {
	switch n := node.(type) {
	case string:
		return n == text
	case map[string]any:
		for _, v := range n {
			if mentions(v, text) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(n, func(v any) bool { return mentions(v, text) })
	}
	return false
}

package workload

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Room is where objects are placed, as far as they could get in the way of others there.
type Room struct {
	// Lent tells that the cluster is somebody else's: nothing may reach out of the namespace.
	Lent bool
	// Further tells that the objects lie in another namespace of the cluster already.
	Further bool
	// Among tells that others use a cluster of podproof's own at the same time, or after this.
	Among bool
	// Storage is what the cluster has for claims.
	Storage Storage
	// Priorities are the priority classes of a cluster that is lent; nil is that they are not known.
	Priorities map[string]bool
}

// crowded tells whether others may hold what there is once in a cluster or on a node.
func (r Room) crowded() bool { return r.Lent || r.Further || r.Among }

// Confine returns copies of the objects that do not get in the way of others, and says what it
// left out or changed, and why.
func Confine(objects []Object, r Room) (kept []Object, said []string) {
	volumes := map[string]bool{} // that the manifests make themselves
	for _, o := range objects {
		volumes[o.GetName()] = volumes[o.GetName()] || o.GetKind() == "PersistentVolume"
	}
	for _, o := range objects {
		if why := r.leaveOut(o); why != "" {
			said = append(said, fmt.Sprintf("Left out %s (%s): %s", o, o.Source, why))
			continue
		}
		c := Object{o.DeepCopy(), o.Source}
		var changes []string
		switch o.GetKind() {
		case "Service":
			changes = r.service(c)
		case "LimitRange":
			changes = limits(c)
		case "PersistentVolumeClaim":
			spec, _ := c.Object["spec"].(map[string]any)
			changes = r.claim(spec, volumes)
		case "StatefulSet":
			changes = r.templates(c, volumes)
		}
		changes = append(changes, r.pods(c)...)
		for _, what := range changes {
			said = append(said, fmt.Sprintf("%s (%s): %s", o, o.Source, what))
		}
		kept = append(kept, c)
	}
	return kept, said
}

// routing are the API groups whose objects lead traffic of the world into the cluster, and write
// DNS names for it.
var routing = []string{"gateway.networking.k8s.io", "networking.istio.io", "traefik.io", "traefik.containo.us",
	"route.openshift.io", "projectcontour.io", "externaldns.k8s.io", "configuration.konghq.com"}

func (r Room) leaveOut(o Object) (why string) {
	switch group := o.GroupVersionKind().Group; {
	case o.GetKind() == "ResourceQuota":
		return "a quota would forbid the pods of the trials, which run beside the workload's"
	case r.Lent && (o.GetKind() == "Ingress" || slices.Contains(routing, group)):
		return "it would take requests for hosts that are live"
	}
	return ""
}

// service takes from a Service what there is once in a cluster, or outside of it.
func (r Room) service(o Object) (changes []string) {
	spec, _ := o.Object["spec"].(map[string]any)
	drop := func(fields ...string) (dropped []string) {
		for _, f := range fields {
			if v, there := spec[f]; there {
				delete(spec, f)
				dropped = append(dropped, fmt.Sprintf("%s %v", f, v))
			}
		}
		return dropped
	}
	var gone []string
	if ip, _ := spec["clusterIP"].(string); ip != "None" {
		// It is one of another cluster's addresses.
		gone = drop("clusterIP", "clusterIPs")
	}
	if r.crowded() {
		gone = append(gone, drop("loadBalancerIP", "externalIPs", "healthCheckNodePort")...)
		ports, _ := spec["ports"].([]any)
		for _, p := range ports {
			if m, _ := p.(map[string]any); m["nodePort"] != nil {
				gone = append(gone, fmt.Sprintf("nodePort %v", m["nodePort"]))
				delete(m, "nodePort")
			}
		}
		if t, _ := spec["type"].(string); t == "LoadBalancer" || t == "NodePort" {
			spec["type"] = "ClusterIP"
			drop("externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges")
			changes = append(changes, fmt.Sprintf("type ClusterIP instead of %s", t))
		}
	}
	if len(gone) > 0 {
		changes = append(changes, "without its "+strings.Join(gone, ", ")+", which the cluster has once or not at all")
	}
	return changes
}

// limits keeps a LimitRange's defaults and maxima, which are part of how the pods run, and drops
// the minima that the small requests of trial pods are below.
func limits(o Object) (changes []string) {
	list, _, _ := unstructured.NestedFieldNoCopy(o.Object, "spec", "limits")
	items, _ := list.([]any)
	for _, l := range items {
		m, _ := l.(map[string]any)
		for _, f := range []string{"min", "maxLimitRequestRatio"} {
			if _, there := m[f]; there {
				delete(m, f)
				changes = append(changes, "without "+f+", which would forbid the pods of the trials")
			}
		}
	}
	return changes
}

// pods takes from an object's pod template what there is once on a node.
func (r Room) pods(o Object) (changes []string) {
	path := podSpecPath(o.GetKind())
	if path == nil || !r.crowded() {
		return nil
	}
	field, _, _ := unstructured.NestedFieldNoCopy(o.Object, path...)
	spec, _ := field.(map[string]any)
	for _, f := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if spec[f] == true {
			delete(spec, f)
			changes = append(changes, "without "+f)
		}
	}
	for _, c := range containersOf(spec) {
		ports, _ := c["ports"].([]any)
		for _, p := range ports {
			if m, _ := p.(map[string]any); m["hostPort"] != nil {
				changes = append(changes, fmt.Sprintf("without hostPort %v, which a node has once", m["hostPort"]))
				delete(m, "hostPort")
			}
		}
	}
	changes = append(changes, hostPaths(spec)...)
	if class, _ := spec["priorityClassName"].(string); r.Lent && class != "" && (r.Priorities == nil || r.Priorities[class]) {
		delete(spec, "priorityClassName")
		delete(spec, "priority")
		changes = append(changes, fmt.Sprintf("without the priority class %s, for which the pods of others would be evicted", class))
	}
	if r.Further {
		free(spec)
	}
	return changes
}

// free takes from the pods of a further namespace the rules by which pods keep apart: they say
// nothing about a single one beside a dependency.
func free(spec map[string]any) {
	delete(spec, "topologySpreadConstraints")
	if affinity, _ := spec["affinity"].(map[string]any); affinity != nil {
		delete(affinity, "podAffinity")
		delete(affinity, "podAntiAffinity")
	}
}

// hostPaths puts an empty folder in the place of a folder of the node's, which is there once. One
// that every container only reads stays; a socket is written through a read-only mount, too.
func hostPaths(spec map[string]any) (changes []string) {
	volumes, _ := spec["volumes"].([]any)
	for _, v := range volumes {
		m, _ := v.(map[string]any)
		host, _ := m["hostPath"].(map[string]any)
		path, _ := host["path"].(string)
		if host == nil || readOnly(spec, m["name"]) && !strings.HasSuffix(path, ".sock") && host["type"] != "Socket" {
			continue
		}
		delete(m, "hostPath")
		m["emptyDir"] = map[string]any{}
		changes = append(changes, fmt.Sprintf("an empty folder instead of the node's %s", path))
	}
	return changes
}

func readOnly(spec map[string]any, volume any) bool {
	for _, c := range containersOf(spec) {
		mounts, _ := c["volumeMounts"].([]any)
		for _, x := range mounts {
			if m, _ := x.(map[string]any); m["name"] == volume && m["readOnly"] != true {
				return false
			}
		}
	}
	return true
}

func containersOf(spec map[string]any) (out []map[string]any) {
	for _, list := range []string{"initContainers", "containers"} {
		cs, _ := spec[list].([]any)
		for _, c := range cs {
			if m, ok := c.(map[string]any); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

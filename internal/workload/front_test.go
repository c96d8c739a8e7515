package workload

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const frontedManifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api, part-of: shop}}, spec: {containers: [{name: api, image: "api:1"}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db-pods
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db, part-of: shop}}
    spec: {containers: [{name: db, image: "postgres:16", ports: [{name: pg, containerPort: 5432}, {name: metrics, containerPort: 9187}, {name: gossip, containerPort: 7946, protocol: UDP}]}]}
`

// fronted is the proxy in front of statefulset/db, with more objects beside it.
func fronted(t *testing.T, more string, change ...func(*Controller)) (*Front, []Object, error) {
	t.Helper()
	objects := parse(t, frontedManifests+more)
	for _, o := range objects {
		o.SetNamespace("shop-outage")
		o.SetLabels(map[string]string{RunLabel: "r1"})
	}
	cs, err := Controllers(objects)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(&cs[1])
	}
	f, err := FrontOf(objects, cs[1], cs[0])
	return f, objects, err
}

func ports(t *testing.T, o Object) (out []map[string]any) {
	t.Helper()
	list, _, err := unstructured.NestedSlice(o.Object, "spec", "ports")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		out = append(out, p.(map[string]any))
	}
	return out
}

// A Service with an address of its own leads to the proxy, and its twin to where it led before.
func TestAServiceLeadsToTheProxy(t *testing.T) {
	f, objects, err := fronted(t, `---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{name: pg, port: 5432, targetPort: pg}, {name: http, port: 80, targetPort: 81}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db-write}, spec: {type: NodePort, selector: {app: db}, ports: [{port: 5432, nodePort: 30001}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: [{port: 80}]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []FrontRoute{{5432, "podproof-db", 5432}, {20000, "podproof-db", 80}, {20001, "podproof-db-write", 5432}}
	if !slices.Equal(f.Routes, want) || f.Privileged() || f.Hostname != "" || f.Subdomain != "" {
		t.Errorf("got %+v", f)
	}
	if got := f.Routes[0].Address("fd00::7"); got != "5432=[fd00::7]:5432" {
		t.Errorf("the proxy is told %s", got)
	}
	led := f.Leads(objects)
	for i, o := range led {
		switch o.String() {
		case "service/db", "service/db-write":
			selector, _, _ := unstructured.NestedStringMap(o.Object, "spec", "selector")
			if len(selector) != 1 || selector[ProxyLabel] != "db" {
				t.Errorf("%s leads to %v", o, selector)
			}
			for k, p := range ports(t, o) {
				if to := map[string][]int64{"service/db": {5432, 20000}, "service/db-write": {20001}}[o.String()][k]; p["targetPort"] != to {
					t.Errorf("%s: %v leads to %v, want %d", o, p["port"], p["targetPort"], to)
				}
			}
			if was, _, _ := unstructured.NestedStringMap(objects[i].Object, "spec", "selector"); was["app"] != "db" {
				t.Errorf("the manifest's own %s was changed", o)
			}
		default:
			if o.Object["spec"] == nil || o.Unstructured != objects[i].Unstructured {
				t.Errorf("%s was changed", o)
			}
		}
	}
	twin := f.Twins[1]
	selector, _, _ := unstructured.NestedStringMap(twin.Object, "spec", "selector")
	kind, _, _ := unstructured.NestedString(twin.Object, "spec", "type")
	if twin.String() != "service/podproof-db-write" || twin.GetNamespace() != "shop-outage" || twin.GetLabels()[RunLabel] != "r1" || selector["app"] != "db" || kind != "" || ports(t, twin)[0]["nodePort"] != nil {
		t.Errorf("the twin is %v", twin.Object)
	}
	if p := ports(t, f.Twins[0]); p[0]["targetPort"] != "pg" || p[1]["targetPort"] != int64(81) {
		t.Errorf("the twin's ports are %v", p)
	}
}

// A headless Service gives the pod's own address: the proxy has its name there, and its ports.
func TestAHeadlessServiceLeadsToTheProxy(t *testing.T) {
	const headless = `---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 5432}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db-pods}, spec: {clusterIP: None, selector: {app: db}, ports: [{name: pg, port: 80, targetPort: pg}]}}
`
	f, _, err := fronted(t, headless)
	if err != nil {
		t.Fatal(err)
	}
	want := []FrontRoute{{5432, "podproof-db-pods", 5432}, {9187, "podproof-db-pods", 9187}, {20000, "podproof-db", 5432}}
	if !slices.Equal(f.Routes, want) || f.Hostname != "db-0" || f.Subdomain != "db-pods" {
		t.Errorf("got %+v", f)
	}
	if p := ports(t, f.Switched[0]); p[0]["targetPort"] != int64(5432) || f.Switched[0].GetName() != "db-pods" {
		t.Errorf("%s leads to %v", f.Switched[0], p)
	}
	if ip, _, _ := unstructured.NestedString(f.Twins[0].Object, "spec", "clusterIP"); ip != "" {
		t.Errorf("the twin has no address: %q", ip)
	}
	f, _, err = fronted(t, headless, func(c *Controller) {
		_ = unstructured.SetNestedField(c.Object.Object, int64(5), "spec", "ordinals", "start")
	})
	if err != nil || f.Hostname != "db-5" {
		t.Errorf("got %+v (%v)", f, err)
	}
	f, _, err = fronted(t, `---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {clusterIP: None, selector: {app: db}}}
`, func(c *Controller) { c.Template.Spec.Containers[0].Ports[0].ContainerPort = 443 })
	if err != nil || !f.Privileged() || f.Hostname != "" || len(f.Routes) != 2 {
		t.Errorf("got %+v (%v)", f, err)
	}
}

func TestWhatCannotGoThroughTheProxy(t *testing.T) {
	service := func(spec string) string {
		return "---\n{apiVersion: v1, kind: Service, metadata: {name: db-pods}, spec: {" + spec + "}}\n"
	}
	for name, c := range map[string]struct {
		more   string
		change func(*Controller)
		want   string
	}{
		"no Service":             {"", nil, "no Service of the manifests leads to statefulset/db"},
		"an outside name":        {service("type: ExternalName, externalName: db.example.com"), nil, "no Service of the manifests leads"},
		"UDP":                    {service("selector: {app: db}, ports: [{port: 53, protocol: UDP}]"), nil, "port 53 of service/db-pods is UDP"},
		"the network of a node":  {service("selector: {app: db}, ports: [{port: 5432}]"), func(c *Controller) { c.Template.Spec.HostNetwork = true }, "hostNetwork"},
		"a name for each of two": {service("clusterIP: None, selector: {app: db}, ports: [{port: 5432}]"), func(c *Controller) { c.Replicas = 2 }, "each of the 2 pods of statefulset/db a name of its own"},
		"the workload, too":      {service("selector: {part-of: shop}, ports: [{port: 5432}]"), nil, "service/db-pods leads to deployment/api as well as to statefulset/db"},
		"no port":                {service("clusterIP: None, selector: {app: db}"), func(c *Controller) { c.Template.Spec.Containers[0].Ports = nil }, "name a port"},
		"a port of no container": {service("clusterIP: None, selector: {app: db}, ports: [{port: 1, targetPort: x}]"), nil, `leads to a port "x", which no container of statefulset/db names`},
	} {
		f, _, err := fronted(t, c.more, append([]func(*Controller){func(*Controller) {}}, func(x *Controller) {
			if c.change != nil {
				c.change(x)
			}
		})...)
		if f != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %+v (%v)", name, f, err)
		}
	}
}

func TestTheNameOfATwinIsOneOfDNS(t *testing.T) {
	long := strings.Repeat("a", 60)
	if a, b := TwinOf(long+"-b"), TwinOf(long+"-c"); len(a) > 63 || a == b || TwinOf("db") != "podproof-db" {
		t.Errorf("%s, %s", a, b)
	}
}

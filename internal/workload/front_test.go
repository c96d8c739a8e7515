package workload

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
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

// fronted is the proxy that stands in for statefulset/db, with more objects beside it.
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

// dnsNames are those of Services and pods in the namespace of the tests.
func dnsNames(names ...string) (out []string) {
	for _, n := range names {
		out = append(out, n, n+".shop-outage", n+".shop-outage.svc", n+".shop-outage.svc.cluster.local")
	}
	return out
}

// The proxy has all names of a controller's Services, and their ports.
func TestTheProxyHasTheNamesOfServices(t *testing.T) {
	f, _, err := fronted(t, `---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{name: pg, port: 5432, targetPort: pg}, {name: http, port: 80, targetPort: 81}, {name: lost, port: 81, targetPort: lost}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db-write}, spec: {type: NodePort, selector: {app: db}, ports: [{port: 5432, nodePort: 30001}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: legacy}, spec: {type: ExternalName, externalName: DB.shop-outage.svc.cluster.local.}}
---
{apiVersion: v1, kind: Service, metadata: {name: s3}, spec: {type: ExternalName, externalName: s3.example.com}}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := []FrontRoute{{5432, "db", "", 5432}, {80, "db", "", 80}, {81, "db", "", 81}}
	if !slices.Equal(f.Routes, want) || !f.Privileged() || !slices.Equal(f.Names, dnsNames("db", "db-write", "legacy")) {
		t.Errorf("got %+v", f)
	}
	if got := f.Routes[0].Address("fd00::7"); got != "5432=[fd00::7]:5432" {
		t.Errorf("the proxy is told %s", got)
	}
	aliases := f.Aliases([]corev1.PodIP{{IP: "10.244.0.7"}, {IP: "fd00::7"}})
	if len(aliases) != 2 || aliases[1].IP != "fd00::7" || !slices.Equal(aliases[1].Hostnames, f.Names) {
		t.Errorf("the hosts file has %+v", aliases)
	}
}

// A headless Service gives the pod's own address: the proxy has its name, and its ports.
func TestTheProxyHasTheNameOfAPod(t *testing.T) {
	const headless = `---
{apiVersion: v1, kind: Service, metadata: {name: db-pods}, spec: {clusterIP: None, selector: {app: db}, ports: [{name: pg, port: 80, targetPort: pg}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {selector: {app: db}, ports: [{port: 5432}]}}
`
	f, _, err := fronted(t, headless)
	if err != nil {
		t.Fatal(err)
	}
	want := []FrontRoute{{5432, "db", "", 5432}, {9187, "db-pods", "", 9187}}
	if !slices.Equal(f.Routes, want) || f.Privileged() || !slices.Equal(f.Names, dnsNames("db", "db-pods", "db-0.db-pods")) {
		t.Errorf("got %+v", f)
	}
	f, _, err = fronted(t, headless, func(c *Controller) {
		_ = unstructured.SetNestedField(c.Object.Object, int64(5), "spec", "ordinals", "start")
	})
	if err != nil || !slices.Contains(f.Names, "db-5.db-pods") {
		t.Errorf("got %+v (%v)", f, err)
	}
	f, _, err = fronted(t, `---
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {clusterIP: None, selector: {app: db}}}
`, func(c *Controller) {
		c.Template.Spec.Containers[0].Ports[0].ContainerPort = 443
		c.Template.Spec.Hostname, c.Template.Spec.Subdomain = "primary", "db"
	})
	if err != nil || !f.Privileged() || len(f.Routes) != 2 || !slices.Contains(f.Names, "primary.db") {
		t.Errorf("got %+v (%v)", f, err)
	}
}

func TestTheProxyHasTheNameOfAHost(t *testing.T) {
	objects := parse(t, `{apiVersion: v1, kind: Service, metadata: {name: s3, namespace: shop-outage}, spec: {type: ExternalName, externalName: s3.example.com}}`)
	f, err := FrontOfHost(objects, "S3.example.com", 443)
	if err != nil || !slices.Equal(f.Names, append([]string{"s3.example.com"}, dnsNames("s3")...)) || !slices.Equal(f.Routes, []FrontRoute{{443, "", "S3.example.com", 443}}) {
		t.Errorf("got %+v (%v)", f, err)
	}
	if _, err := FrontOfHost(nil, "10.0.0.7", 5432); err == nil || !strings.Contains(err.Error(), "10.0.0.7 is an address") {
		t.Errorf("got %v", err)
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
		"one port for two":       {service("selector: {app: db}, ports: [{port: 80, targetPort: 1}]") + strings.ReplaceAll(service("selector: {app: db}, ports: [{port: 80, targetPort: 2}]"), "db-pods", "other"), nil, "port 80 leads to port 1 by service/db-pods, and to port 2 by service/other"},
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

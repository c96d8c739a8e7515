package pipeline

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/rights"
)

// inMine puts an object into the namespace of somebody else's cluster.
func inMine(c *testCluster, collection, name, text string) {
	u := c.api.parse(text)
	u.SetName(name)
	u.SetNamespace("mine")
	prefix, kind := collection[:strings.LastIndex(collection, "/")], collection[strings.LastIndex(collection, "/"):]
	c.api.put("ADDED", prefix+"/namespaces/mine"+kind+"/"+name, u)
}

// somebodysPlan is a plan for that namespace, of which nothing may come to be.
func somebodysPlan(t *testing.T, c *testCluster, change func(*Options)) (Plan, error) {
	t.Helper()
	ref, _ := pushed(t)
	o, _ := options(t, c)
	o.Selected = check.Without(check.Catalogue(), nil)
	o.Existing, o.Namespace, o.Image, o.AgentImage = "fake-1", "mine", ref, ref
	o.SetImages = map[string]string{"postgres:16": ref}
	if change != nil {
		change(&o)
	}
	before := c.api.paths()
	p, err := MakePlan(t.Context(), o)
	if after := c.api.paths(); !slices.Equal(before, after) || left(t, o) != 0 {
		t.Errorf("there are %q, and there were %q", after, before)
	}
	for _, verb := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if did := c.api.changes(verb); len(did) > 0 {
			t.Errorf("a plan does %s %q", verb, did)
		}
	}
	return p, err
}

func lineWith(lines []string, parts ...string) bool {
	return slices.ContainsFunc(lines, func(l string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(l, p) })
	})
}

func TestAPlanOfANamespaceInWhichAllIsWell(t *testing.T) {
	p, err := somebodysPlan(t, somebodys(t), nil)
	if err != nil || len(p.Stops)+len(p.InTheWay)+len(p.Demands)+len(p.Notes) > 0 {
		t.Errorf("ends with %q, in the way %q, demands %q, notes %q (%v)", p.Stops, p.InTheWay, p.Demands, p.Notes, err)
	}
	if got := idsOf(p.Untried); len(got) > 0 {
		t.Errorf("undecided would be %q", got)
	}
	for _, i := range p.Images {
		if !strings.HasPrefix(i.Digest, "sha256:") {
			t.Errorf("of %+v the registry was not asked", i)
		}
	}
	if len(p.Images) != 3 || !strings.HasSuffix(p.Images[1].How, "in place of postgres:16") || p.Images[2].For != "podproof's agent" {
		t.Errorf("the images are %+v", p.Images)
	}
}

func TestAPlanOfAHostileNamespace(t *testing.T) {
	c := somebodys(t)
	c.api.refused = map[string]string{"/api/v1/pods": `violates PodSecurity "restricted:latest": runAsNonRoot != true`}
	inMine(c, "/api/v1/resourcequotas", "tight", `{"apiVersion":"v1","kind":"ResourceQuota","spec":{"hard":{"pods":"4"}},"status":{"used":{"pods":"2"}}}`)
	inMine(c, "/api/v1/limitranges", "least", `{"apiVersion":"v1","kind":"LimitRange","spec":{"limits":[{"type":"Container","min":{"cpu":"50m"}}]}}`)
	inMine(c, "/apis/networking.k8s.io/v1/networkpolicies", "deny", `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","spec":{"podSelector":{},"policyTypes":["Ingress","Egress"]}}`)
	p, err := somebodysPlan(t, c, nil)
	if err != nil || len(p.Stops) > 0 {
		t.Fatalf("ends with %q (%v)", p.Stops, err)
	}
	for _, want := range [][]string{
		{"deployment/api: its pods would be refused: violates PodSecurity"}, {"statefulset/db: its pods would be refused"}, {"job/migrate: its pod would be refused"},
		{"podproof's agent: its pod would be refused"}, {"a trial: its pod"}, {"resourcequota/tight leaves 2 of pods, and the run's pods take 4 at once"},
		{"podproof's agent would not reach deployment/api: networkpolicy/deny"}, {"deployment/api would not reach the cluster's DNS: networkpolicy/deny"},
		{"deployment/api would not reach statefulset/db"}, {"--open-network"},
	} {
		if !lineWith(p.InTheWay, want...) {
			t.Errorf("it does not say %q:\n%s", want, strings.Join(p.InTheWay, "\n"))
		}
	}
	if !lineWith(p.Demands, "resourcequota/tight: pods 2 of 4 used") || !lineWith(p.Demands, "cpu min 50m") {
		t.Errorf("demands are %q", p.Demands)
	}
	p, err = somebodysPlan(t, c, func(o *Options) { o.OpenNetwork = true })
	if err != nil || lineWith(p.InTheWay, "networkpolicy") {
		t.Errorf("with an open network %q is in the way (%v)", p.InTheWay, err)
	}
}

// Whether a pull secret is there is known without reading one, and not said where it is not known.
// Who may not create pods is told that, and not that the cluster refuses the workload's.
func TestAPlanForOneWhoMayNotCreatePods(t *testing.T) {
	c := somebodys(t)
	c.api.denied = []rights.Rule{rights.To("", "pods", "create")}
	c.api.refused = map[string]string{"/api/v1/pods": "User \"me\" cannot create resource \"pods\""}
	p, err := somebodysPlan(t, c, nil)
	if err != nil || len(p.Stops)+len(p.InTheWay) > 0 || !lineWith(p.Notes, "What namespace mine makes of the pods is not known", "you may not create pods") {
		t.Errorf("ends with %q, in the way %q, notes %q (%v)", p.Stops, p.InTheWay, p.Notes, err)
	}
	if len(p.Untried) == 0 {
		t.Error("all would be tried")
	}
}

func TestAPlanOfPullSecrets(t *testing.T) {
	const more = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec:
  selector: {matchLabels: {app: cache}}
  template: {metadata: {labels: {app: cache}}, spec: {imagePullSecrets: [{name: registry}], containers: [{name: c, image: "postgres:16"}]}}
`
	for name, tt := range map[string]struct {
		there, mayNot, ours bool
		more, wants, notes  string
	}{
		"none":              {wants: "deployment/cache pulls its images with secret/registry, and namespace mine has none of that name"},
		"there":             {there: true},
		"shipped":           {more: "---\n{apiVersion: v1, kind: Secret, metadata: {name: registry}, type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: '{}'}}\n"},
		"not to be known":   {mayNot: true, notes: "whether namespace mine has it is not known"},
		"in podproof's own": {ours: true, wants: "give a --namespace that has it"},
	} {
		t.Run(name, func(t *testing.T) {
			c := somebodys(t)
			if tt.there {
				inMine(c, "/api/v1/secrets", "registry", `{"apiVersion":"v1","kind":"Secret"}`)
			}
			p, err := somebodysPlan(t, c, func(o *Options) {
				o.Contract = shopContract(t, "", more+tt.more)
				if tt.ours {
					o.Namespace = ""
				}
				if tt.mayNot {
					c.api.forbidden = map[string]bool{"/api/v1/secrets": true}
				}
			})
			if err != nil || len(p.Stops) > 0 || (tt.wants == "") != (len(p.InTheWay) == 0) || tt.wants != "" && !lineWith(p.InTheWay, tt.wants) || (tt.notes == "") != (len(p.Notes) == 0) || tt.notes != "" && !lineWith(p.Notes, tt.notes) {
				t.Errorf("ends with %q, in the way %q, notes %q (%v)", p.Stops, p.InTheWay, p.Notes, err)
			}
		})
	}
}

// What a registry does not have is said, and a registry that does not answer is no reason to end.
func TestAPlanOfImagesThatAreNotThere(t *testing.T) {
	c := somebodys(t)
	p, err := somebodysPlan(t, c, func(o *Options) {
		o.SetImages = map[string]string{"postgres:16": strings.Replace(o.Image, "shop/api:1.0", "shop/postgres:16", 1)}
		o.AgentImage = "127.0.0.1:1/podproof:1"
	})
	if err != nil || !lineWith(p.InTheWay, "statefulset/db: registry", "has no image") || !lineWith(p.Notes, "Whether image 127.0.0.1:1/podproof:1 of podproof's agent is there is not known") {
		t.Errorf("in the way %q, notes %q (%v)", p.InTheWay, p.Notes, err)
	}
	p, err = somebodysPlan(t, c, func(o *Options) { o.Image = "127.0.0.1:1/shop/api:1" })
	if err != nil || !lineWith(p.InTheWay, "the image could not be looked at") || len(p.Tried) == 0 {
		t.Errorf("in the way %q (%v)", p.InTheWay, err)
	}
	p, err = somebodysPlan(t, c, func(o *Options) { o.Image = o.Image + "-none" })
	if err != nil || !lineWith(p.Stops, "has no image") {
		t.Errorf("ends with %q (%v)", p.Stops, err)
	}
}

// All reasons are told at once, and what is wrong with the cluster does not hide the rest.
func TestAPlanTellsAllThatWouldEndARun(t *testing.T) {
	c := somebodys(t)
	c.api.denied = []rights.Rule{rights.To("", "pods", "watch")}
	inMine(c, "/api/v1/secrets", "api", `{"apiVersion":"v1","kind":"Secret"}`)
	p, err := somebodysPlan(t, c, nil)
	if err != nil || !lineWith(p.Stops, "lacks rights") || !lineWith(p.Stops, "secret/api exists in the cluster already") || len(p.Tried) == 0 {
		t.Errorf("ends with %q (%v)", p.Stops, err)
	}
	c = somebodys(t)
	c.api.Close()
	p, err = somebodysPlan(t, c, nil)
	if err == nil || errors.As(err, new(*InputError)) || len(p.Tried) == 0 || p.Where == "" {
		t.Errorf("of a cluster that is away: %+v (%v)", p, err)
	}
	c = somebodys(t)
	p, err = somebodysPlan(t, c, func(o *Options) { o.Namespace = "none" })
	if err != nil || !lineWith(p.Stops, "--namespace none: there is no such namespace") {
		t.Errorf("ends with %q (%v)", p.Stops, err)
	}
}

package contract

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestDependenciesAreReadInBothForms(t *testing.T) {
	file := write(t, header2+`dependencies:
  - sts/postgres
  - {object: deployments/redis, kind: redis, optional: true}
  - {host: S3.example.com:443, name: s3, kind: tcp, optional: true}
  - host: queue.example.com:5672
`)
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []Dependency{
		{Object: "statefulset/postgres"},
		{Object: "deployment/redis", Kind: "redis", Optional: true},
		{Host: "s3.example.com:443", Name: "s3", Kind: "tcp", Optional: true},
		{Host: "queue.example.com:5672"},
	}
	if !reflect.DeepEqual(c.Dependencies, want) {
		t.Errorf("got %+v", c.Dependencies)
	}
	if got := strings.Join(c.InCluster(), " "); got != "statefulset/postgres deployment/redis" {
		t.Errorf("the manifests are searched for %s", got)
	}
	var said []string
	for _, d := range c.Dependencies {
		said = append(said, d.String()+" is a "+d.Noun())
	}
	if got := strings.Join(said, "; "); got != "statefulset/postgres is a database; deployment/redis is a cache; s3 (s3.example.com:443) is a dependency; queue.example.com:5672 is a queue" {
		t.Error(got)
	}
	if needed := c.Needed(); len(needed) != 2 || needed[1].Host != "queue.example.com:5672" {
		t.Errorf("what it needs is %v", needed)
	}
}

func TestDependenciesThatCannotBePromised(t *testing.T) {
	for name, tt := range map[string]struct{ item, want string }{
		"unknown key":       {"{object: pod/x, optinal: true}", `F:4:21: unknown key "optinal" under dependencies[0]; did you mean "optional"?`},
		"neither":           {"{kind: redis}", "F:4:5: dependencies[0] has neither an object nor a host; add `object: statefulset/postgres` for one that the manifests hold, or `host: s3.example.com:443` for one outside of the cluster"},
		"both":              {"{object: pod/x, host: x.example.com:1}", `F:4:5: dependencies[0] has both an object and a host; keep the object for one that the manifests hold, and the host for one outside of the cluster`},
		"no kind of object": {"{object: redis}", `F:4:14: dependencies[0].object: "redis" does not name a kind; write it as kind/name, such as deployment/redis`},
		"empty object":      {`{object: ""}`, `F:4:14: dependencies[0].object is empty; give it a value or remove it`},
		"no port":           {"{host: s3.example.com}", `F:4:12: dependencies[0].host is "s3.example.com", which has no port; write the name and the port, such as s3.example.com:443`},
		"no number":         {"{host: s3.example.com:https}", `F:4:12: dependencies[0].host is "s3.example.com:https"; a port is a number from 1 to 65535`},
		"a URL":             {"{host: 'https://s3.example.com:443/bucket'}", `F:4:12: dependencies[0].host is "https://s3.example.com:443/bucket"; write the name and the port alone: s3.example.com:443`},
		"an address":        {"{host: 10.0.0.7:6379}", `F:4:12: dependencies[0].host is "10.0.0.7:6379", an address; podproof stands in for a host by its name: write the name that the workload uses, such as s3.example.com:6379`},
		"no host name":      {"{host: s3_example:443}", `F:4:12: dependencies[0].host is "s3_example:443"; write the name of a host and a port, such as s3.example.com:443`},
		"no label":          {"{host: s3.example.com:443, name: s3.example}", `F:4:38: dependencies[0].name is "s3.example"; write at most 63 lower-case letters, digits and hyphens, such as s3`},
		"name of an object": {"{object: pod/x, name: x}", `F:4:27: dependencies[0].name is for a host; pod/x has its own name already, so remove it`},
		"unknown kind":      {"{object: pod/x, kind: postgress}", `F:4:27: dependencies[0].kind is "postgress", which podproof does not know; write postgres, or tcp for what has no kind of its own`},
		"kind by its image": {"{object: pod/x, kind: PostgreSQL}", `F:4:27: dependencies[0].kind is "PostgreSQL", which podproof does not know; write postgres, or tcp for what has no kind of its own`},
		"kind of nothing":   {"{object: pod/x, kind: thingamajig}", `F:4:27: dependencies[0].kind is "thingamajig", which podproof does not know; write one of activemq, `},
		"twice":             {"pod/x\n  - {object: po/x, optional: true}", `F:5:5: dependencies names pod/x twice; remove one of them`},
		"host twice":        {"{host: x.example.com:1, name: a}\n  - {host: X.example.com:1, name: b}", `F:5:5: dependencies names x.example.com:1 twice; remove one of them`},
		"name twice":        {"{host: x.example.com:1, name: a}\n  - {host: y.example.com:1, name: a}", `F:5:35: dependencies[1].name is a, and so is that of another dependency; give each a name of its own`},
		"itself":            {"{object: deploy/api}\nworkload: deployment/api", `F:4:14: dependencies[0] is deployment/api, which is the workload itself; name what it needs, or remove it`},
		"a list":            {"[pod/x]", `F:4:5: dependencies[0] is a list; write its keys under it: object, host, name, kind, optional`},
		"empty":             {`""`, `F:4:5: dependencies[0] is empty; give it a value or remove it`},
		"no switch":         {"{object: pod/x, optional: sure}", `F:4:31: dependencies[0].optional is the text "sure"; write true or false`},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, header2+"dependencies:\n  - "+tt.item+"\n")
			_, err := Load(file)
			if err == nil {
				t.Fatal("it is taken")
			}
			if got := strings.ReplaceAll(err.Error(), file, "F"); !strings.HasPrefix(got, tt.want) || strings.Contains(got, "mistakes") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Records of a podproof that knew names alone hold texts.
func TestDependenciesInRecords(t *testing.T) {
	for _, text := range []string{
		`["statefulset/postgres","deployment/redis"]`,
		`["statefulset/postgres",{"object":"deployment/redis","kind":"redis","optional":true},{"host":"s3.example.com:443","name":"s3"}]`,
	} {
		var d []Dependency
		if err := json.Unmarshal([]byte(text), &d); err != nil || d[0].Object != "statefulset/postgres" || d[1].Object != "deployment/redis" {
			t.Errorf("%+v, %v", d, err)
		}
		if b, err := json.Marshal(d); err != nil || string(b) != text {
			t.Errorf("got %s, %v", b, err)
		}
	}
	if err := json.Unmarshal([]byte(`[7]`), &[]Dependency{}); err == nil {
		t.Error("a number is taken for a dependency")
	}
}

func TestADependencyIsKnownByEachOfItsNames(t *testing.T) {
	s3 := Dependency{Host: "s3.example.com:443", Name: "s3"}
	if !s3.Is("s3 (s3.example.com:443)") || !s3.Is("s3.example.com:443") || s3.Is("pod/x") || s3.Is("") || !(Dependency{Object: "pod/x"}).Is("pod/x") || (Dependency{Object: "pod/x"}).Is("") {
		t.Error("evidence is taken for another dependency's")
	}
}

func TestTheKindOfADependencyIsDerived(t *testing.T) {
	for _, tt := range []struct{ image, want, noun string }{
		{"postgres:16-alpine", "postgres", "database"},
		{"registry.example.com/bitnami/postgresql@sha256:aa4ee5b4c2a4b1c14f3d7aeef4b5d3b6aa4ee5b4c2a4b1c14f3d7aeef4b5d3b6", "postgres", "database"},
		{"mcr.microsoft.com/mssql/server:2022-latest", "mssql", "database"},
		{"valkey/valkey:8", "valkey", "cache"},
		{"rabbitmq:4-management", "rabbitmq", "queue"},
		{"redis-commander:1", "", "dependency"},
		{"acme/thing", "", "dependency"},
	} {
		f := reactbin()
		f.Workloads[0] = WorkloadFacts{Object: Object{"statefulset", "store"}, Containers: []ContainerFacts{{Image: tt.image}}}
		c, derived, err := Derive(Contract{Workload: "deployment/api"}, f)
		if err != nil {
			t.Fatal(err)
		}
		if d := c.Dependencies[0]; d.Kind != tt.want || d.Noun() != tt.noun {
			t.Errorf("%s is a %q, a %s", tt.image, d.Kind, d.Noun())
		}
		from := Derived{"dependencies[0].kind", tt.want, "the image " + tt.image + " of statefulset/store"}
		if said := derived[1] == from; said != (tt.want != "") {
			t.Errorf("%s: %v", tt.image, derived[1])
		}
	}
}

func TestTheKindOfADependencyIsDerivedFromItsPorts(t *testing.T) {
	f := reactbin()
	f.Workloads = append(f.Workloads,
		WorkloadFacts{Object: Object{"statefulset", "a"}, Containers: []ContainerFacts{{Image: "acme/a", Ports: []PortFact{{"", 6379}}}}},
		WorkloadFacts{Object: Object{"statefulset", "b"}, Containers: []ContainerFacts{{Image: "acme/b"}}, Services: []ServicePortFact{{Number: 80, Target: "5672"}}},
		WorkloadFacts{Object: Object{"statefulset", "c"}, Containers: []ContainerFacts{{Image: "redis:7"}}})
	given := []Dependency{{Object: "statefulset/a"}, {Object: "statefulset/b"}, {Object: "statefulset/c", Kind: "tcp"}, {Host: "db.example.com:3306"}, {Host: "x.example.com:443"}}
	c, _, err := Derive(Contract{Workload: "deployment/api", Dependencies: given}, f)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range c.Dependencies {
		got = append(got, d.Kind)
	}
	if strings.Join(got, ",") != "redis,rabbitmq,tcp,mysql," {
		t.Errorf("the kinds are %q", got)
	}
	if given[0].Kind != "" {
		t.Error("the caller's contract is changed")
	}
}

// What is not derived again, such as in a record without manifests, is named as before.
func TestNounsOfDependenciesWithoutAKind(t *testing.T) {
	for object, want := range map[string]string{"statefulset/postgres": "database", "statefulset/db": "database", "deployment/redis": "cache", "deployment/other": "dependency"} {
		if got := (Dependency{Object: object}).Noun(); got != want {
			t.Errorf("%s is a %s", object, got)
		}
	}
}

func TestCompleteTakesKindsAndNoPromise(t *testing.T) {
	derived := Contract{Dependencies: []Dependency{{Object: "pod/a", Kind: "redis", Optional: true}, {Object: "pod/b", Kind: "mysql"}}}
	own := Needs("pod/a", "pod/c")
	c, taken := Complete(Contract{Dependencies: own}, derived)
	if want := []Dependency{{Object: "pod/a", Kind: "redis"}, {Object: "pod/c"}}; !reflect.DeepEqual(c.Dependencies, want) || strings.Join(taken, " ") != "dependencies.kind" || own[0].Kind != "" {
		t.Errorf("got %+v, took %q, of %+v", c.Dependencies, taken, own)
	}
}

package workload

import (
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const twoNamespaces = `{apiVersion: v1, kind: Service, metadata: {name: postgres, namespace: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}}
---
{apiVersion: v1, kind: Service, metadata: {name: cache, namespace: data}}
`

// To a pod in the run's namespace another namespace's name would lead to a live Service.
func TestNamesOfServicesLeadIntoTheRun(t *testing.T) {
	n := NamesOf(parse(t, twoNamespaces))
	for given, want := range map[string]string{
		"postgres.shop":                         "postgres.run",
		"Postgres.SHOP":                         "Postgres.run",
		"postgres.shop:5432":                    "postgres.run:5432",
		"postgres.shop.":                        "postgres.run.",
		"host=postgres.shop port=5432":          "host=postgres.run port=5432",
		"host='postgres.shop';":                 "host='postgres.run';",
		"a.shop,b.shop":                         "a.run,b.run",
		"a.shop:1,b.shop:1;cache.data":          "a.run:1,b.run:1;cache.run",
		"postgres.shop.svc":                     "postgres.run.svc",
		"postgres.shop.svc.cluster.local":       "postgres.run.svc.cluster.local",
		"postgres-0.postgres.shop":              "postgres-0.postgres.run",
		"pg.postgres.shop.svc.cluster.local.":   "pg.postgres.run.svc.cluster.local.",
		"_pg._tcp.postgres.shop.svc":            "_pg._tcp.postgres.run.svc",
		"jdbc:postgresql://postgres.shop/db":    "jdbc:postgresql://postgres.run/db",
		"jdbc:oracle:thin:@//postgres.shop/db":  "jdbc:oracle:thin:@//postgres.run/db",
		"postgres://u:p@postgres.shop:5432/d":   "postgres://u:p@postgres.run:5432/d",
		"postgres://u:p@postgres.shop":          "postgres://u:p@postgres.run",
		"u:p@postgres.shop:5432":                "u:p@postgres.run:5432",
		"u:p@tcp(postgres.shop:3306)/d":         "u:p@tcp(postgres.run:3306)/d",
		"mongodb://u:p@a.shop:1,b.shop:1/d":     "mongodb://u:p@a.run:1,b.run:1/d",
		"http%3A%2F%2Fpostgres.shop%3A80":       "http%3A%2F%2Fpostgres.run%3A80",
		`{"hosts":["a.shop","cache.data"]}`:     `{"hosts":["a.run","cache.run"]}`,
		`{"x":"one\npostgres.shop"}`:            `{"x":"one\npostgres.run"}`,
		"$(NAME).shop.svc:80":                   "$(NAME).run.svc:80",
		"redis.shop.svc":                        "redis.run.svc", // nowhere, rather than to a live one
		"while ! nc -z postgres.shop 5432; do":  "while ! nc -z postgres.run 5432; do",
		"upstream { server cache.data:6379; }":  "upstream { server cache.run:6379; }",
		"https://postgres.shop/a.shop?x=b.shop": "https://postgres.run/a.shop?x=b.run",

		"registry.shop/team/api:1":          "registry.shop/team/api:1",
		"podproof.local/api:run-1":          "podproof.local/api:run-1",
		"www.shop.example":                  "www.shop.example",
		"www.postgres.shop":                 "www.postgres.shop",
		"postgres.shop.example":             "postgres.shop.example",
		"https://my.shop/":                  "https://my.shop/",
		"ops@postgres.shop":                 "ops@postgres.shop",
		"mailto:ops@postgres.shop, please":  "mailto:ops@postgres.shop, please",
		"http://x/?to=ops@postgres.shop":    "http://x/?to=ops@postgres.shop",
		"/etc/conf/postgres.shop":           "/etc/conf/postgres.shop",
		"file:///postgres.shop":             "file:///postgres.shop",
		"my.shop is open":                   "my.shop is open",
		"a.shop=1":                          "a.shop=1",
		"cache.shop":                        "cache.shop",
		"postgres.data":                     "postgres.data",
		"redis.infra.svc":                   "redis.infra.svc",
		"kubernetes.default.svc":            "kubernetes.default.svc",
		"postgres":                          "postgres",
		"postgres.shopping postgres.shop-2": "postgres.shopping postgres.shop-2",
	} {
		if got := n.relocate(given, "run"); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

// A Service without a namespace lies in whichever the manifests are applied to.
func TestServicesWithoutANamespace(t *testing.T) {
	n := NamesOf(parse(t, `{apiVersion: v1, kind: Service, metadata: {name: db}}`))
	for given, want := range map[string]string{
		"db.default":             "db.run",
		"db.prod.svc":            "db.run.svc",
		"db.prod":                "db.prod", // may be a domain
		"kubernetes.default.svc": "kubernetes.default.svc",
	} {
		if got := n.relocate(given, "run"); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func TestRelocateTouchesWhatPodsReadAndNoImage(t *testing.T) {
	encoded := base64.StdEncoding.EncodeToString([]byte("postgres://u:p@postgres.shop:5432/db"))
	objects := parse(t, twoNamespaces+`---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: postgres.shop/team/api:1
          command: [sh, -c, "exec api --db postgres.shop"]
          args: ["cache.data:6379"]
          env: [{name: DB, value: postgres.shop}]
---
apiVersion: v1
kind: Secret
metadata: {name: api, namespace: shop}
stringData: {URL: "postgres://u:p@postgres.shop/db"}
data: {HOST: `+encoded+`, KEY: //79}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: api, namespace: shop}
data: {app.yaml: "db:\n  host: postgres.shop\n"}
---
apiVersion: v1
kind: Service
metadata: {name: alias, namespace: shop}
spec: {type: ExternalName, externalName: cache.data.svc.cluster.local}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: api, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: api}
subjects: [{kind: ServiceAccount, name: api, namespace: shop}, {kind: ServiceAccount, name: prom, namespace: monitoring}]
`)
	before := objects[4].DeepCopy()
	got := NamesOf(objects).Relocate(objects, "run")[4:]
	controllers, err := Controllers(got)
	if err != nil {
		t.Fatal(err)
	}
	c := controllers[0].Template.Spec.Containers[0]
	if c.Image != "postgres.shop/team/api:1" || c.Command[2] != "exec api --db postgres.run" || c.Args[0] != "cache.run:6379" || c.Env[0].Value != "postgres.run" {
		t.Errorf("the container is %+v", c)
	}
	at := func(o Object, fields ...string) string {
		s, _, _ := unstructured.NestedString(o.Object, fields...)
		return s
	}
	plain, _ := base64.StdEncoding.DecodeString(at(got[1], "data", "HOST"))
	for got, want := range map[string]string{
		at(got[1], "stringData", "URL"):    "postgres://u:p@postgres.run/db",
		string(plain):                      "postgres://u:p@postgres.run:5432/db",
		at(got[1], "data", "KEY"):          "//79",
		at(got[2], "data", "app.yaml"):     "db:\n  host: postgres.run\n",
		at(got[3], "spec", "externalName"): "cache.run.svc.cluster.local",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	subjects, _, _ := unstructured.NestedSlice(got[4].Object, "subjects")
	if subjects[0].(map[string]any)["namespace"] != "run" || subjects[1].(map[string]any)["namespace"] != "monitoring" {
		t.Errorf("the binding's subjects are %v", subjects)
	}
	if diff := cmp.Diff(before.Object, objects[4].Object); diff != "" {
		t.Errorf("the manifest itself was changed (-before +after):\n%s", diff)
	}
}

func TestLeads(t *testing.T) {
	objects := parse(t, twoNamespaces+`---
{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {A: "redis.infra:6379", B: "redis.infra.svc", C: postgres.shop, D: "queue.infra", E: "www.example"}}
`)
	live := map[Service]bool{{"infra", "redis"}: true, {"shop", "postgres"}: true}
	got := NamesOf(objects).Leads(objects[4], live)
	if diff := cmp.Diff([]Service{{"infra", "redis"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

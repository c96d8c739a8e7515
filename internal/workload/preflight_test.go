package workload

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// shop is a workload with all that its pods need.
const shop = `apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      serviceAccountName: api
      containers:
        - name: api
          image: app:1
          ports: [{name: http, containerPort: 8000}]
          env:
            - {name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
            - {name: DEBUG, valueFrom: {secretKeyRef: {name: none, key: debug, optional: true}}}
          envFrom: [{configMapRef: {name: settings}}]
          readinessProbe: {httpGet: {path: /ready, port: http}}
      volumes:
        - {name: ca, configMap: {name: kube-root-ca.crt}}
        - {name: token, projected: {sources: [{serviceAccountToken: {path: t}}, {configMap: {name: kube-root-ca.crt}}, {secret: {name: db}}]}}
        - {name: data, persistentVolumeClaim: {claimName: data}}
---
{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: api}}
---
{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: p}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {A: b}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
`

// widgets defines a kind with several versions.
const widgets = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example}
spec: {group: shop.example, scope: Namespaced, names: {kind: Widget, plural: widgets},
  versions: [{name: v1beta1, served: true}, {name: v1, served: true}, {name: v2, served: false}]}
`

// look is what Preflight says where the pods of deployment/api and of the Jobs are needed.
func lookAt(t *testing.T, body string) (problems, notes []string) {
	t.Helper()
	f := preflight(t, body).Look()
	return f.Problems, f.Notes
}

func preflight(t *testing.T, body string) Preflight {
	t.Helper()
	objects, left := LeaveOut(parse(t, body), true)
	p := Preflight{Objects: objects, Left: left}
	var err, errJobs error
	p.Controllers, err = Controllers(objects)
	p.Needed, errJobs = Jobs(objects)
	if err := errors.Join(err, errJobs); err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Controllers {
		if r.String() == "deployment/api" {
			p.Needed = append(p.Needed, r)
		}
	}
	return p
}

// What the pods need and no manifest holds may be in a namespace that was made before, and the values of
// a Secret that is are nobody's to know.
func TestWhatANamespaceHoldsAlready(t *testing.T) {
	body := strings.NewReplacer("{apiVersion: v1, kind: ServiceAccount, metadata: {name: api}}\n---\n", "",
		"{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: p}}\n---\n", "").Replace(shop)
	p := preflight(t, body)
	f := p.Look()
	if len(f.Problems) != 3 || !slices.Equal(f.Secrets, []string{"secret/db"}) {
		t.Errorf("got %+v", f)
	}
	p.Namespace = "team"
	f = p.Look()
	if len(f.Problems) > 0 || !slices.Equal(f.Secrets, []string{"secret/db"}) || len(f.Notes) < 2 || !strings.Contains(f.Notes[0], "the service account api, which no manifest holds; it is taken as it is in namespace team") ||
		!strings.Contains(f.Notes[1], "secret/db, which is in no manifest; it is taken as it is in namespace team") {
		t.Errorf("got %+v", f)
	}
}

func TestPreflight(t *testing.T) {
	without := func(part string) string {
		t.Helper()
		if !strings.Contains(shop, part) {
			t.Fatalf("there is no %q", part)
		}
		return strings.Replace(shop, part, "", 1)
	}
	with := func(old, to string) string { return strings.Replace(shop, old, to, 1) }
	const role = "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r}, rules: [{apiGroups: [''], resources: [secrets], verbs: [get, create]}]}\n"
	for _, c := range []struct {
		name, body      string
		problems, notes []string // the beginning of each
	}{
		{name: "all that is needed is there", body: shop},
		{name: "a service account that nobody makes", body: without("{apiVersion: v1, kind: ServiceAccount, metadata: {name: api}}\n---\n"),
			problems: []string{"m.yaml:9: deployment/api: its pods run as the service account api, which no manifest creates"}},
		{name: "the service account default", body: with("serviceAccountName: api", "serviceAccountName: default")},
		{name: "a Secret that nobody makes", body: without("{apiVersion: v1, kind: Secret, metadata: {name: db}, stringData: {password: p}}\n---\n"),
			problems: []string{"m.yaml:15: deployment/api: its pods need secret/db, which no manifest creates, so they would not start; add it with the key password to the manifests",
				"m.yaml:21: deployment/api: its pods need secret/db"}},
		{name: "a ConfigMap that nobody makes", body: with("configMapRef: {name: settings}", "configMapRef: {name: setting}"),
			problems: []string{"m.yaml:17: deployment/api: its pods need configmap/setting, which no manifest creates"}},
		{name: "a claim that nobody makes", body: with("claimName: data", "claimName: dat"),
			problems: []string{"m.yaml:22: deployment/api: its pods need persistentvolumeclaim/dat"}},
		{name: "a key that the Secret has not", body: with("key: password", "key: PASSWORD"),
			problems: []string{"m.yaml:15: deployment/api: its pods need the key PASSWORD of secret/db, which has password; add the key there (m.yaml:28)"}},
		{name: "a Secret that Kubernetes fills in", body: with("stringData: {password: p}", "type: kubernetes.io/service-account-token")},
		{name: "a Secret that an ExternalSecret would make", body: with("kind: Secret, metadata: {name: db}, stringData: {password: p}}", "kind: Secret, metadata: {name: other}}") +
			"---\n{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: e}, spec: {target: {name: db}}}\n",
			problems: []string{"m.yaml:15: deployment/api: its pods need secret/db, which no manifest creates, so they would not start; add it with the key password to the manifests (externalsecret/e at m.yaml:34 would create it, and is left out",
				"m.yaml:21: "}},
		{name: "a Secret that a hook may make", body: with("name: db}, stringData", "name: other}, stringData") +
			"---\n{apiVersion: batch/v1, kind: Job, metadata: {name: certs, annotations: {helm.sh/hook: pre-install}}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}\n",
			problems: []string{"m.yaml:15: deployment/api: its pods need secret/db, which no manifest creates, so they would not start; add it with the key password to the manifests (perhaps job/certs creates it, which is left out as a Helm hook)",
				"m.yaml:21: "}},
		{name: "a Secret that a hook makes", body: with("name: db}, stringData", "name: db, annotations: {helm.sh/hook: 'pre-install,pre-upgrade'}}, stringData")},
		{name: "a Secret that the manifests let somebody make", body: with("name: db}, stringData", "name: other}, stringData") + role,
			notes: []string{"m.yaml:15: deployment/api: its pods need secret/db, which is in no manifest; something that the manifests start has to create it", "m.yaml:21: "}},
		{name: "a Secret, where what may be made is of another group", body: with("name: db}, stringData", "name: other}, stringData") + strings.NewReplacer("['']", "[shop.example]", "[secrets]", "['*']").Replace(role),
			problems: []string{"m.yaml:15: deployment/api: its pods need secret/db, which no manifest creates", "m.yaml:21: "}},
		{name: "a file of a key that the ConfigMap has not", body: with("configMap: {name: kube-root-ca.crt}}\n", "configMap: {name: settings, items: [{key: B, path: b}]}}\n"),
			problems: []string{"m.yaml:20: deployment/api: its pods need the key B of configmap/settings, which has A"}},
		{name: "a file of a key that it has", body: with("configMap: {name: kube-root-ca.crt}}\n", "configMap: {name: settings, items: [{key: A, path: b}]}}\n")},
		{name: "another workload's pods are nobody's need", body: shop + "---\n" + strings.Replace(deployment, "name: api}", "name: extra}", 1) + "          envFrom: [{secretRef: {name: none}}]\n",
			notes: []string{"m.yaml:48: deployment/extra: its pods need secret/none"}},
		{name: "a Job's pods are", body: shop + "---\n{apiVersion: batch/v1, kind: Job, metadata: {name: migrate}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b, envFrom: [{secretRef: {name: none}}]}]}}}}\n",
			problems: []string{"m.yaml:34: job/migrate: its pods need secret/none"}},
		{name: "a probe of a port that is not declared", body: with("port: http}}", "port: web}}"),
			problems: []string{`m.yaml:18: deployment/api: the readinessProbe of the container api asks the port "web", and the container has no port of that name; it has http (8000)`}},
		{name: "a probe of a number", body: with("port: http}}", "port: 9000}}")},
		{name: "a Service that leads to no port", body: with("targetPort: http", "targetPort: web"),
			problems: []string{"m.yaml:24: service/api: targetPort is web, and no container of deployment/api has a port of that name; it has http (8000)"}},
		{name: "a Service that leads to another port", body: with("targetPort: http", "targetPort: 81"),
			notes: []string{"m.yaml:24: service/api: it leads to port 81, and the containers of deployment/api declare http (8000)"}},
		{name: "a Service that leads to its pods' port", body: with("targetPort: http", "targetPort: 8000")},
		{name: "one of a Service's ports that leads nowhere", body: with("{port: 80, targetPort: http}", "{name: a, port: 80, targetPort: http}, {name: m, port: 81, targetPort: metrics}"),
			notes: []string{"m.yaml:24: service/api: targetPort is metrics"}},
		{name: "a Service that selects nothing", body: with("spec: {selector: {app: api}, ports", "spec: {selector: {app: apis}, ports"),
			notes: []string{"m.yaml:24: service/api: its selector (app=apis) matches the pods of no workload"}},
		{name: "a Service by hand", body: with("spec: {selector: {app: api}, ports", "spec: {ports")},
		{name: "no selector", body: without("  selector: {matchLabels: {app: api}}\n"),
			problems: []string{"m.yaml:4: deployment/api: spec.selector is missing: add `selector: {matchLabels: {app: api}}`"}},
		{name: "a selector of other labels", body: with("{matchLabels: {app: api}}", "{matchLabels: {app: web}}"),
			problems: []string{"m.yaml:5: deployment/api: spec.selector (app=web) does not match the labels of its own pod template (app=api)"}},
		{name: "a selector by expressions", body: with("{matchLabels: {app: api}}", "{matchExpressions: [{key: app, operator: In, values: [api, web]}]}")},
		{name: "an empty selector", body: with("{matchLabels: {app: api}}", "{}"), problems: []string{"m.yaml:5: deployment/api: spec.selector is empty"}},
		{name: "a removed version", body: with("apps/v1", "apps/v1beta1"), problems: []string{"m.yaml:1: deployment/api: Kubernetes 1.16 removed Deployment of apps/v1beta1: write `apiVersion: apps/v1`"}},
		{name: "a removed version of a budget", body: shop + "---\n{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: api}}\n",
			problems: []string{"m.yaml:34: poddisruptionbudget/api: Kubernetes 1.25 removed PodDisruptionBudget of policy/v1beta1: write `apiVersion: policy/v1`"}},
		{name: "a removed version of what is left out", body: shop + "---\n{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, metadata: {name: api}}\n",
			problems: []string{"m.yaml:34: horizontalpodautoscaler/api: Kubernetes 1.26 removed HorizontalPodAutoscaler of autoscaling/v2beta2: write `apiVersion: autoscaling/v2`"}},
		{name: "a kind that was removed", body: shop + "---\n{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: api}}\n",
			problems: []string{"m.yaml:34: podsecuritypolicy/api: Kubernetes 1.25 removed PodSecurityPolicy of policy/v1beta1 without a replacement"}},
		{name: "a removed version of a definition", body: shop + "---\n{apiVersion: apiextensions.k8s.io/v1beta1, kind: CustomResourceDefinition, metadata: {name: a.b}}\n",
			problems: []string{"m.yaml:34: customresourcedefinition/a.b: Kubernetes 1.22 removed CustomResourceDefinition of apiextensions.k8s.io/v1beta1: write `apiVersion: apiextensions.k8s.io/v1`"}},
		{name: "a custom resource of a version that is not served", body: shop + "---\n" + widgets + "---\n{apiVersion: shop.example/v2, kind: Widget, metadata: {name: w}}\n",
			problems: []string{"m.yaml:40: widget/w: customresourcedefinition/widgets.shop.example (m.yaml:34) serves v1beta1, v1, and not v2: write a version that it serves in `apiVersion`"}},
		{name: "a custom resource of a version that is", body: shop + "---\n" + widgets + "---\n{apiVersion: shop.example/v1, kind: Widget, metadata: {name: w}}\n"},
		{name: "a kind in lower case", body: with("kind: Deployment", "kind: deployment"), problems: []string{"m.yaml:1: deployment/api: the kind is \"deployment\", and upper and lower case count: write `kind: Deployment`"},
			notes: []string{"m.yaml:24: service/api: its selector"}},
		{name: "a kind in another group", body: shop + "---\n{apiVersion: v1, kind: Ingress, metadata: {name: i}}\n", problems: []string{"m.yaml:34: ingress/i: there is no Ingress in v1: write `apiVersion: networking.k8s.io/v1`"}},
		{name: "a kind with a slip", body: shop + "---\n{apiVersion: v1, kind: ConfgMap, metadata: {name: i}}\n", problems: []string{"m.yaml:34: confgmap/i: there is no kind ConfgMap in v1: did you mean ConfigMap?"}},
		{name: "one object in two namespaces", body: shop + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: b}, data: {A: other}}\n",
			problems: []string{"m.yaml:34: configmap/settings: it is at m.yaml:30, too (there in no namespace, here in the namespace b), and podproof puts all objects into one namespace"}},
		{name: "a copy in another namespace", body: shop + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: b}, data: {A: b}}\n"},
		{name: "one object twice", body: shop + "---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {A: c}}\n", problems: []string{"m.yaml:34: configmap/settings: it is at m.yaml:30, too: list manifests that contain it once"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, notes := lookAt(t, c.body)
			for _, x := range []struct {
				what      string
				got, want []string
			}{{"problem", problems, c.problems}, {"note", notes, c.notes}} {
				if len(x.got) != len(x.want) {
					t.Errorf("%d %ss, want %d:\n%s", len(x.got), x.what, len(x.want), strings.Join(x.got, "\n"))
					continue
				}
				for i, want := range x.want {
					if !strings.HasPrefix(x.got[i], want) {
						t.Errorf("%s %q, want %q at its beginning", x.what, x.got[i], want)
					}
				}
			}
		})
	}
}

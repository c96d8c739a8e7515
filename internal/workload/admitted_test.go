package workload

import (
	"strings"
	"testing"
)

// What an API server would refuse is told with the line, before there is one.
func TestWhatAnAPIServerRefuses(t *testing.T) {
	container := func(fields string) string { return strings.Replace(shop, "image: app:1", fields, 1) }
	pod := func(fields string) string {
		return strings.Replace(shop, "serviceAccountName: api", "serviceAccountName: api\n      "+fields, 1)
	}
	service := func(ports string) string { return strings.Replace(shop, "{port: 80, targetPort: http}", ports, 1) }
	extra := func(o string) string { return shop + "---\n" + o + "\n" }
	for _, c := range []struct{ name, body, want string }{ // want is the beginning of the one problem; empty: none
		{"a name with capitals", strings.Replace(shop, "metadata: {name: api}", "metadata: {name: API_1}", 1), `m.yaml:3: deployment/API_1: metadata.name: "API_1" is no name that Kubernetes takes`},
		{"a name to be filled in", extra("{apiVersion: v1, kind: ConfigMap, metadata: {name: '${NAME}'}}"), "m.yaml:34: configmap/${NAME}: metadata.name: \"${NAME}\" is no name that Kubernetes takes: fill the variable in first, as `envsubst` does"},
		{"the name of a role", extra("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: 'system:x'}}"), ""},
		{"no image", container("command: [x]"), `m.yaml:11: deployment/api: spec.template.spec.containers[0].image: "" is no image`},
		{"a request above its limit", container("image: app:1\n          resources: {requests: {memory: 256Mi}, limits: {memory: 128Mi}}"),
			"m.yaml:13: deployment/api: spec.template.spec.containers[0].resources.requests.memory: it requests 256Mi, and its limit is 128Mi"},
		{"a request at its limit", container("image: app:1\n          resources: {requests: {cpu: 1}, limits: {cpu: 1000m}}"), ""},
		{"a mount of no volume", container("image: app:1\n          volumeMounts: [{name: dat, mountPath: /x}]"),
			"m.yaml:13: deployment/api: spec.template.spec.containers[0].volumeMounts[0].name: the pod has no volume dat; it has ca, token, data"},
		{"two mounts at one path", container("image: app:1\n          volumeMounts: [{name: ca, mountPath: /x}, {name: data, mountPath: /x}]"),
			"m.yaml:13: deployment/api: spec.template.spec.containers[0].volumeMounts[1].mountPath: something else is mounted at /x, too"},
		{"an unknown pull policy", container("image: app:1\n          imagePullPolicy: always"), `m.yaml:13: deployment/api: spec.template.spec.containers[0].imagePullPolicy: it is "always": write Always, IfNotPresent or Never`},
		{"two containers of one name", pod("initContainers: [{name: api, image: b}]"), "m.yaml:12: deployment/api: spec.template.spec.containers[0].name: another container of the pod has the name api, too"},
		{"a user that may not be", container("image: app:1\n          securityContext: {runAsNonRoot: true, runAsUser: 0}"), "m.yaml:13: deployment/api: the container api has runAsNonRoot: true and runAsUser: 0"},
		{"the pod's user that may not be", pod("securityContext: {runAsNonRoot: true, runAsUser: 0}"), "m.yaml:12: deployment/api: the container api has runAsNonRoot: true and runAsUser: 0"},
		{"the container's user before the pod's", strings.Replace(pod("securityContext: {runAsNonRoot: true, runAsUser: 0}"), "image: app:1", "image: app:1\n          securityContext: {runAsUser: 7}", 1), ""},
		{"a restart policy of a Job's", pod("restartPolicy: OnFailure"), "m.yaml:10: deployment/api: spec.template.spec.restartPolicy: OnFailure is not for a Deployment"},
		{"a Job without one", extra("{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{name: a, image: b}]}}}}"),
			"m.yaml:34: job/j: spec.template.spec.restartPolicy: a Job's has to be Never or OnFailure"},
		{"a negative grace period", pod("terminationGracePeriodSeconds: -1"), "m.yaml:10: deployment/api: spec.template.spec.terminationGracePeriodSeconds: it is -1"},
		{"a mode that is not octal", strings.Replace(shop, "configMap: {name: kube-root-ca.crt}}\n", "configMap: {name: kube-root-ca.crt, defaultMode: 644}}\n", 1),
			"m.yaml:20: deployment/api: spec.template.spec.volumes[0].configMap.defaultMode: it is 644, which is 01204; write 0644"},
		{"a mode that is", strings.Replace(shop, "configMap: {name: kube-root-ca.crt}}\n", "configMap: {name: kube-root-ca.crt, defaultMode: 0644}}\n", 1), ""},
		{"two volumes of one name", strings.Replace(shop, "{name: token, projected", "{name: ca, projected", 1), "m.yaml:21: deployment/api: spec.template.spec.volumes[1].name: another volume of the pod has the name ca, too"},
		{"a port out of range", strings.Replace(shop, "containerPort: 8000", "containerPort: 80000", 1), "m.yaml:13: deployment/api: spec.template.spec.containers[0].ports[0].containerPort: 80000 is no port"},
		{"two ports of one name", strings.Replace(shop, "[{name: http, containerPort: 8000}]", "[{name: http, containerPort: 8000}, {name: http, containerPort: 8001}]", 1),
			"m.yaml:13: deployment/api: spec.template.spec.containers[0].ports[1].name: another port of the container has the name http, too"},
		{"a long name of a port", strings.Replace(shop, "[{name: http, containerPort: 8000}]", "[{name: http, containerPort: 8000}, {name: a-very-long-name-of-a-port, containerPort: 8001}]", 1),
			`m.yaml:13: deployment/api: spec.template.spec.containers[0].ports[1].name: "a-very-long-name-of-a-port" is no name of a port: must be no more than 15 characters`},
		{"a variable with two values", strings.Replace(shop, "{name: PASSWORD, valueFrom", "{name: PASSWORD, value: x, valueFrom", 1), "m.yaml:15: deployment/api: spec.template.spec.containers[0].env[0]: PASSWORD has both value and valueFrom"},
		{"a variable from nothing", strings.Replace(shop, "{name: DEBUG, valueFrom: {secretKeyRef: {name: none, key: debug, optional: true}}}", "{name: DEBUG, valueFrom: {}}", 1),
			"m.yaml:16: deployment/api: spec.template.spec.containers[0].env[1].valueFrom: it says not from what"},
		{"a field that no pod has", strings.Replace(shop, "{name: DEBUG, valueFrom: {secretKeyRef: {name: none, key: debug, optional: true}}}", "{name: DEBUG, valueFrom: {fieldRef: {fieldPath: metadata.nam}}}", 1),
			`m.yaml:16: deployment/api: spec.template.spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: "metadata.nam" is no field`},
		{"a label as a variable", strings.Replace(shop, "{name: DEBUG, valueFrom: {secretKeyRef: {name: none, key: debug, optional: true}}}", `{name: DEBUG, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app.kubernetes.io/name']"}}}`, 1), ""},
		{"a probe in two ways", strings.Replace(shop, "readinessProbe: {", "readinessProbe: {exec: {command: [x]}, ", 1), "m.yaml:18: deployment/api: spec.template.spec.containers[0].readinessProbe: it asks in 2 ways"},
		{"a probe that asks nothing", container("image: app:1\n          livenessProbe: {periodSeconds: 5}"), "m.yaml:13: deployment/api: spec.template.spec.containers[0].livenessProbe: it asks nothing"},
		{"a liveness probe that wants two answers", container("image: app:1\n          livenessProbe: {exec: {command: [x]}, successThreshold: 2}"), "m.yaml:13: deployment/api: spec.template.spec.containers[0].livenessProbe.successThreshold: it is 2, and may only be 1"},
		{"a readiness probe that does", strings.Replace(shop, "readinessProbe: {", "readinessProbe: {successThreshold: 2, ", 1), ""},
		{"a negative timeout", container("image: app:1\n          livenessProbe: {exec: {command: [x]}, timeoutSeconds: -1}"), "m.yaml:13: deployment/api: spec.template.spec.containers[0].livenessProbe.timeoutSeconds: it is -1"},
		{"a Service without a port", service(""), "m.yaml:24: service/api: spec.ports: a Service needs a port"},
		{"a headless one", strings.Replace(service(""), "spec: {selector", "spec: {clusterIP: None, selector", 1), ""},
		{"a Service's port without a name among several", service("{port: 80, targetPort: http}, {name: b, port: 81, targetPort: http}"), "m.yaml:24: service/api: spec.ports[0].name: a Service of several ports needs a name for each"},
		{"a Service of port 0", service("{port: 0, targetPort: http}"), "m.yaml:24: service/api: spec.ports[0].port: 0 is no port"},
		{"Recreate with a rolling update", strings.Replace(shop, "  selector: {matchLabels", "  strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}\n  selector: {matchLabels", 1), "m.yaml:5: deployment/api: spec.strategy.rollingUpdate: it may not stand beside type: Recreate"},
		{"a rolling update that replaces nothing", strings.Replace(shop, "  selector: {matchLabels", "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}\n  selector: {matchLabels", 1), "m.yaml:5: deployment/api: spec.strategy.rollingUpdate: maxSurge and maxUnavailable may not both be 0"},
		{"a key with a space", extra("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a b: c}}"), `m.yaml:34: configmap/c: data: the key "a b" is none that Kubernetes takes`},
		{"a Secret that lacks what its type needs", extra("{apiVersion: v1, kind: Secret, metadata: {name: c}, type: kubernetes.io/tls, stringData: {tls.crt: c}}"), "m.yaml:34: secret/c: type: a Secret of the type kubernetes.io/tls needs the key tls.key; it has tls.crt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems, _ := lookAt(t, c.body)
			switch {
			case c.want == "" && len(problems) == 0:
			case c.want != "" && len(problems) == 1 && strings.HasPrefix(problems[0], c.want):
			default:
				t.Errorf("got  %q\nwant %q", problems, c.want)
			}
		})
	}
}

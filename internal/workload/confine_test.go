package workload

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// kindStorage is what a kind cluster has, and a class whose volumes stay.
func kindStorage() Storage {
	retain := corev1.PersistentVolumeReclaimRetain
	return Storage{standard: "standard", classes: map[string]storagev1.StorageClass{
		"standard": {Provisioner: onOneNode}, "archive": {Provisioner: "x.example", ReclaimPolicy: &retain}, "nfs": {Provisioner: "x.example"}}}
}

// What there is once in a cluster or on a node is not asked for where others may have it.
func TestConfine(t *testing.T) {
	first, further, lent := Room{Storage: kindStorage()}, Room{Storage: kindStorage(), Further: true},
		Room{Storage: kindStorage(), Lent: true, Priorities: map[string]bool{"high": true}}
	const service = "{apiVersion: v1, kind: Service, metadata: {name: api}, spec: "
	const claim = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: "
	pod := func(spec string) string {
		return "{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: " + spec + "}"
	}
	for _, c := range []struct {
		name  string
		room  Room
		given string
		want  string // empty: left out
		said  []string
	}{
		{"a fixed nodePort, first", first, service + "{type: NodePort, ports: [{port: 80, nodePort: 30080}]}}",
			service + "{type: NodePort, ports: [{port: 80, nodePort: 30080}]}}", nil},
		{"a fixed nodePort, in a trial's namespace", further, service + "{type: NodePort, ports: [{port: 80, nodePort: 30080}]}}",
			service + "{type: ClusterIP, ports: [{port: 80}]}}",
			[]string{"service/api (m.yaml:1): type ClusterIP instead of NodePort", "service/api (m.yaml:1): without its nodePort 30080, which the cluster has once or not at all"}},
		{"a load balancer, lent", lent, service + "{type: LoadBalancer, externalTrafficPolicy: Local, loadBalancerIP: 1.2.3.4, ports: [{port: 80}]}}",
			service + "{type: ClusterIP, ports: [{port: 80}]}}",
			[]string{"service/api (m.yaml:1): type ClusterIP instead of LoadBalancer", "service/api (m.yaml:1): without its loadBalancerIP 1.2.3.4, which the cluster has once or not at all"}},
		{"an address of another cluster", first, service + "{clusterIP: 10.100.0.7, ports: [{port: 80}]}}", service + "{ports: [{port: 80}]}}",
			[]string{"service/api (m.yaml:1): without its clusterIP 10.100.0.7, which the cluster has once or not at all"}},
		{"a headless Service", lent, service + "{clusterIP: None, ports: [{port: 80}]}}", service + "{clusterIP: None, ports: [{port: 80}]}}", nil},
		{"an Ingress, first", first, "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: api}}",
			"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: api}}", nil},
		{"an Ingress, lent", lent, "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: api}}", "",
			[]string{"Left out ingress/api (m.yaml:1): it would take requests for hosts that are live"}},
		{"a route, lent", lent, "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: api}}", "",
			[]string{"Left out httproute/api (m.yaml:1): it would take requests for hosts that are live"}},
		{"a quota", first, "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}}", "",
			[]string{"Left out resourcequota/q (m.yaml:1): a quota would forbid the pods of the trials, which run beside the workload's"}},
		{"a LimitRange keeps its defaults", first, "{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container, min: {cpu: 100m}, default: {memory: 1Gi}}]}}",
			"{apiVersion: v1, kind: LimitRange, metadata: {name: l}, spec: {limits: [{type: Container, default: {memory: 1Gi}}]}}",
			[]string{"limitrange/l (m.yaml:1): without min, which would forbid the pods of the trials"}},
		{"a port of the node, first", first, pod("{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]}"),
			pod("{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]}"), nil},
		{"a port of the node, in a trial's namespace", further, pod("{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]}"),
			pod("{containers: [{name: a, ports: [{containerPort: 80}]}]}"),
			[]string{"pod/api (m.yaml:1): without hostNetwork", "pod/api (m.yaml:1): without hostPort 80, which a node has once"}},
		{"rules to keep apart, in a trial's namespace", further,
			pod("{nodeSelector: {a: b}, topologySpreadConstraints: [{maxSkew: 1}], affinity: {podAntiAffinity: {}, nodeAffinity: {}}, containers: [{name: a}]}"),
			pod("{nodeSelector: {a: b}, affinity: {nodeAffinity: {}}, containers: [{name: a}]}"), nil},
		{"folders of the node: what is written is not", lent,
			pod(`{volumes: [{name: data, hostPath: {path: /data}}, {name: tz, hostPath: {path: /etc/localtime}}, {name: sock, hostPath: {path: /run/docker.sock}}],
				containers: [{name: a, volumeMounts: [{name: data, mountPath: /d}, {name: tz, mountPath: /t, readOnly: true}, {name: sock, mountPath: /s, readOnly: true}]}]}`),
			pod(`{volumes: [{name: data, emptyDir: {}}, {name: tz, hostPath: {path: /etc/localtime}}, {name: sock, emptyDir: {}}],
				containers: [{name: a, volumeMounts: [{name: data, mountPath: /d}, {name: tz, mountPath: /t, readOnly: true}, {name: sock, mountPath: /s, readOnly: true}]}]}`),
			[]string{"pod/api (m.yaml:1): an empty folder instead of the node's /data", "pod/api (m.yaml:1): an empty folder instead of the node's /run/docker.sock"}},
		{"a priority above others' pods", lent, pod("{priorityClassName: high, containers: [{name: a}]}"), pod("{containers: [{name: a}]}"),
			[]string{"pod/api (m.yaml:1): without the priority class high, for which the pods of others would be evicted"}},
		{"a priority class that is not there", lent, pod("{priorityClassName: none, containers: [{name: a}]}"), pod("{priorityClassName: none, containers: [{name: a}]}"), nil},
		{"a storage class of another cluster", first, claim + "{storageClassName: gp3, accessModes: [ReadWriteOnce]}}", claim + "{accessModes: [ReadWriteOnce]}}",
			[]string{"persistentvolumeclaim/data (m.yaml:1): the cluster's default storage class, standard, instead of gp3: this cluster has no such class"}},
		{"a claim of several nodes", first, claim + "{accessModes: [ReadWriteMany]}}", claim + "{accessModes: [ReadWriteOnce]}}",
			[]string{"persistentvolumeclaim/data (m.yaml:1): access mode ReadWriteOnce instead of [ReadWriteMany]: its volume is a folder of one node, where all of its pods run then"}},
		{"a class that can do it", first, claim + "{storageClassName: nfs, accessModes: [ReadWriteMany]}}", claim + "{storageClassName: nfs, accessModes: [ReadWriteMany]}}", nil},
		{"a volume of somebody's", lent, claim + "{storageClassName: '', volumeName: pv1, accessModes: [ReadWriteOnce]}}", claim + "{accessModes: [ReadWriteOnce]}}",
			[]string{"persistentvolumeclaim/data (m.yaml:1): a new volume instead of one that it names or selects"}},
		{"a class whose volumes stay", lent, claim + "{storageClassName: archive}}", claim + "{}}",
			[]string{"persistentvolumeclaim/data (m.yaml:1): the cluster's default storage class, standard, instead of archive: its volumes would stay when the run is over"}},
		{"a StatefulSet's claims", first,
			"{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: gp3}}]}}",
			"{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]}}",
			[]string{"statefulset/db (m.yaml:1): claim data: the cluster's default storage class, standard, instead of gp3: this cluster has no such class"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			given := parse(t, c.given)[0]
			before := given.DeepCopy()
			kept, said := Confine([]Object{given}, c.room)
			var got, want map[string]any
			if len(kept) > 0 {
				got = kept[0].Object
			}
			if c.want != "" {
				want = parse(t, c.want)[0].Object
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.said, said); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before.Object, given.Object); diff != "" {
				t.Errorf("the manifest itself was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// A volume that the manifests make themselves is theirs to claim, once.
func TestAClaimOfTheManifestsOwnVolume(t *testing.T) {
	volume := parse(t, "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv1}}")[0]
	claim := parse(t, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {storageClassName: manual, volumeName: pv1}}")[0]
	if kept, said := Confine([]Object{volume, claim}, Room{Storage: kindStorage()}); len(said) > 0 || len(kept) != 2 {
		t.Errorf("said %v", said)
	}
	if _, said := Confine([]Object{volume, claim}, Room{Storage: kindStorage(), Further: true}); len(said) != 2 {
		t.Errorf("in a further namespace it said %v", said)
	}
}

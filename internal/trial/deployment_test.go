package trial

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"podproof.dev/podproof/internal/workload"
)

var deploymentsResource = appsv1.SchemeGroupVersion.WithResource("deployments")

// ofTemplate is the annotation of a pod with the template that it was made from.
const ofTemplate = "template"

// deploy plays the Deployment controller: it replaces pods of an older template one by one, a new one
// first, and sees that there are as many as are asked for. It returns when those of the first
// template are seen to be Ready.
func (k *kubelet) deploy(b *TestBed, replicas int32) {
	k.t.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "api", Namespace: "shop"}, Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: b.Subject.Template}}
	if err := k.client.Tracker().Add(d); err != nil {
		k.t.Fatal(err)
	}
	b.Subject.Replicas = replicas
	k.going.Go(func() {
		for n := 0; pause(k.t.Context(), 100*time.Millisecond) == nil; {
			n = k.control(n)
		}
	})
	for range replicas {
		if err := AwaitReady(k.t.Context(), b.Observer, b.Subject); err != nil {
			k.t.Fatal(err)
		}
	}
}

// control makes one step, and returns how many pods it has made so far.
func (k *kubelet) control(made int) int {
	o, err := k.client.Tracker().Get(deploymentsResource, "shop", "api")
	if err != nil {
		return made
	}
	d := o.(*appsv1.Deployment)
	text, err := json.Marshal(d.Spec.Template)
	if err != nil {
		k.t.Error(err)
	}
	var old, fresh []*corev1.Pod
	ready := 0
	for _, p := range k.alive() {
		if p.Annotations[ofTemplate] == string(text) {
			fresh = append(fresh, p)
		} else {
			old = append(old, p)
		}
		if workload.IsReady(p) {
			ready++
		}
	}
	want := int(*d.Spec.Replicas)
	switch {
	case len(fresh) < want && len(fresh)+len(old) <= want:
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("api-%d", made), Namespace: "shop", Labels: d.Spec.Template.Labels,
			Annotations: map[string]string{ofTemplate: string(text)}}, Spec: d.Spec.Template.Spec}
		if _, err := k.client.CoreV1().Pods("shop").Create(k.t.Context(), p, metav1.CreateOptions{}); err == nil {
			made++
		}
	case ready > want:
		k.delete(append(old, fresh...)[0].Name, nil)
	}
	return made
}

// alive are the workload's pods that nobody has deleted, by name.
func (k *kubelet) alive() []*corev1.Pod {
	list, err := k.client.CoreV1().Pods("shop").List(k.t.Context(), metav1.ListOptions{LabelSelector: "app=api"})
	if err != nil {
		return nil
	}
	var out []*corev1.Pod
	for i, p := range list.Items {
		if p.DeletionTimestamp == nil {
			out = append(out, &list.Items[i])
		}
	}
	slices.SortFunc(out, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	return out
}

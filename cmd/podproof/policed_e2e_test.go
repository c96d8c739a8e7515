//go:build e2e && nodes

package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	kindcluster "sigs.k8s.io/kind/pkg/cluster"
)

// police has the nodes do what the network policies of a namespace say, where no controller of the
// cluster's does: kind's own network has one. Of what a policy allows it knows as much as these tests
// use: that pods which it selects talk to pods of one selector, and ask for names.
func (c somebodysCluster) police(namespace string) {
	c.t.Helper()
	if !c.isStatic() {
		return
	}
	kubeconfig, err := kindcluster.NewProvider(kindcluster.ProviderWithDocker()).KubeConfig(sharedCluster, false)
	if err != nil {
		c.t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(kubeconfig))
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	changed := make(chan struct{}, 1)
	change := func(any) {
		select {
		case changed <- struct{}{}:
		default: // it is about to be looked at
		}
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	pods, policies := factory.Core().V1().Pods(), factory.Networking().V1().NetworkPolicies()
	for _, i := range []cache.SharedIndexInformer{pods.Informer(), policies.Informer()} {
		if _, err := i.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: change, UpdateFunc: func(_, o any) { change(o) }, DeleteFunc: change}); err != nil {
			c.t.Fatal(err)
		}
	}
	stop, done := make(chan struct{}), make(chan struct{})
	c.t.Cleanup(func() { close(stop); <-done })
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	go func() {
		defer close(done)
		last := ""
		for {
			ps, _ := pods.Lister().List(labels.Everything())
			ns, _ := policies.Lister().List(labels.Everything())
			if now := ruleset(ps, ns); now != last {
				last = now
				for _, n := range threeNodes {
					x := exec.Command("docker", "exec", "-i", n, "nft", "-f", "-")
					x.Stdin = strings.NewReader(now)
					if out, err := x.CombinedOutput(); err != nil {
						c.t.Errorf("nft on %s: %v: %s\n%s", n, err, out, now)
					}
				}
			}
			select {
			case <-changed:
				time.Sleep(50 * time.Millisecond) // several come together
			case <-stop:
				return
			}
		}
	}()
}

// ruleset is what the policies mean for the pods, in nft's words. A kubelet's own connections to a pod
// are not forwarded, and so are none of its business.
func ruleset(pods []*corev1.Pod, policies []*networkingv1.NetworkPolicy) string {
	var sets, rules []string
	var shut []string
	for i, p := range policies {
		all := addressesOf(pods, p.Spec.PodSelector)
		shut = append(shut, all...)
		for _, in := range p.Spec.Ingress {
			for _, from := range in.From {
				if from.PodSelector != nil {
					sets = append(sets, set(fmt.Sprintf("to%d", i), all), set(fmt.Sprintf("from%d", i), addressesOf(pods, *from.PodSelector)))
					rules = append(rules, fmt.Sprintf("ip saddr @from%d ip daddr @to%d accept", i, i), fmt.Sprintf("ip saddr @to%d udp dport 53 accept", i), fmt.Sprintf("ip saddr @to%d tcp dport 53 accept", i))
				}
			}
		}
	}
	slices.Sort(shut)
	sets = append(sets, set("shut", slices.Compact(shut)))
	rules = append(rules, "ip saddr @shut drop", "ip daddr @shut drop")
	return "add table ip policies\ndelete table ip policies\ntable ip policies {\n" + strings.Join(sets, "\n") +
		"\nchain pods { type filter hook forward priority -10; policy accept;\nct state established,related accept\n" + strings.Join(rules, "\n") + "\n}\n}\n"
}

func set(name string, addresses []string) string {
	if len(addresses) == 0 {
		return fmt.Sprintf("set %s { type ipv4_addr; }", name)
	}
	return fmt.Sprintf("set %s { type ipv4_addr; elements = { %s } }", name, strings.Join(addresses, ", "))
}

// addressesOf are those of the pods that a selector selects and that have not ended.
func addressesOf(pods []*corev1.Pod, selector metav1.LabelSelector) (out []string) {
	s, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil {
		return nil
	}
	for _, p := range pods {
		ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		if p.Status.PodIP != "" && !ended && s.Matches(labels.Set(p.Labels)) {
			out = append(out, p.Status.PodIP)
		}
	}
	slices.Sort(out)
	return out
}

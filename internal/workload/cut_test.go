package workload

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

func TestWhatNetworkPoliciesCut(t *testing.T) {
	const deny, in, out = "{podSelector: {}, policyTypes: [Ingress, Egress]}", "{podSelector: {matchLabels: {app: db}}}", "{podSelector: {matchLabels: {app: api}}, policyTypes: [Egress]"
	for name, c := range map[string]struct {
		policies []string
		port     int32
		cut, dns []string
	}{
		"none":             {},
		"of others":        {policies: []string{"{podSelector: {matchLabels: {app: other}}, policyTypes: [Ingress, Egress]}"}},
		"all":              {policies: []string{deny}, cut: []string{"p0"}, dns: []string{"p0"}},
		"what comes in":    {policies: []string{in}, cut: []string{"p0"}},
		"opened again":     {policies: []string{deny, "{podSelector: {}, ingress: [{}], egress: [{}]}"}},
		"not for this one": {policies: []string{in, "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}"}, cut: []string{"p0", "p1"}},
		"for this one":     {policies: []string{in, "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]}"}},
		"another port":     {policies: []string{"{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"}, port: 5432, cut: []string{"p0"}},
		"a range":          {policies: []string{"{podSelector: {}, ingress: [{ports: [{port: 5000, endPort: 6000}]}]}"}, port: 5432},
		"a named port":     {policies: []string{"{podSelector: {}, ingress: [{ports: [{port: pg}]}]}"}, port: 5432},
		"UDP alone":        {policies: []string{"{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}"}, port: 5432, cut: []string{"p0"}},
		"addresses":        {policies: []string{out + ", egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}"}},
		"DNS alone":        {policies: []string{out + ", egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}]}"}, port: 5432, cut: []string{"p0"}},
		"pods alone":       {policies: []string{out + ", egress: [{to: [{podSelector: {}}]}]}"}, dns: []string{"p0"}},
		"another's pods":   {policies: []string{out + ", egress: [{to: [{namespaceSelector: {matchLabels: {team: other}}}]}]}"}, cut: []string{"p0"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "mine", Labels: map[string]string{"team": "shop"}}})
			for i, text := range c.policies {
				p := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "p" + string(rune('0'+i)), Namespace: "mine"}}
				if err := yaml.Unmarshal([]byte(text), &p.Spec); err != nil {
					t.Fatal(err)
				}
				if err := client.Tracker().Add(p); err != nil {
					t.Fatal(err)
				}
			}
			n, err := (&Applier{Client: client}).NetworkOf(t.Context(), "mine")
			if err != nil {
				t.Fatal(err)
			}
			api, db := map[string]string{"app": "api"}, map[string]string{"app": "db"}
			if cut, dns := n.Cut(api, db, c.port), n.CutFromDNS(api); !slices.Equal(cut, c.cut) || !slices.Equal(dns, c.dns) {
				t.Errorf("cut by %q, from DNS by %q", cut, dns)
			}
		})
	}
}

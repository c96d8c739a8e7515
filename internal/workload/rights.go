package workload

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"podproof.dev/podproof/internal/rights"
)

// ObserveRights are those of an Observer.
func ObserveRights() []rights.Rule {
	return []rights.Rule{
		rights.To("", "pods", "list", "watch").For("the states of the pods"),
		rights.To("", "pods/log", "get").For("the logs of the pods"),
		rights.To("", "events", "list", "watch").For("what Kubernetes tells of the pods"),
		rights.To("discovery.k8s.io", "endpointslices", "list", "watch").For("which pods a Service leads to, and since when"),
	}
}

// NamespaceRights are those for making a run's own namespaces, and for removing them.
func NamespaceRights() []rights.Rule {
	return []rights.Rule{
		rights.To("", "namespaces", "list").Anywhere().For("what earlier runs left").Or("it is not removed"),
		rights.To("", "namespaces", "create", "get", "watch", "delete").Anywhere().For("the namespaces of a run's own, and their end"),
		rights.To("", "serviceaccounts", "create").For("the service account default of such a namespace, before Kubernetes makes it"),
		rights.To("", "pods", "list", "patch").For("pods that podproof's finalizer holds, before their namespace ends"),
		rights.To("", "pods", "deletecollection").For("a namespace that ends without waiting for its pods"),
	}
}

// AdmissionRights are those for asking whether a pod would be admitted.
func AdmissionRights() []rights.Rule {
	return []rights.Rule{rights.To("", "pods", "create").For("whether the API server would admit the workload's pod (a dry run)")}
}

// AnchorRights are those for what a run makes in a namespace that is there, and for its end. The
// anchor's name, and those of pods that controllers make, are not known before.
func AnchorRights() []rights.Rule {
	return []rights.Rule{
		rights.To("", "configmaps", "create", "get", "list", "watch", "delete").For("the ConfigMap that owns what a run makes, and whose end is the end of all that"),
		rights.To("", "configmaps/finalizers", "update").For("owners whose end waits for what they own, where a cluster asks for it (the admission plugin OwnerReferencesPermissionEnforcement, as on OpenShift)").
			Or("a cluster that asks for it refuses what the run makes"),
		rights.To("", "pods", "list", "patch", "delete").For("the end of the run's pods"),
	}
}

// NetworkRights are those for the network policies of a namespace that is there.
func NetworkRights(open bool) []rights.Rule {
	if open {
		return []rights.Rule{rights.To("networking.k8s.io", "networkpolicies", "create").For("letting the run's pods talk to each other (--open-network)")}
	}
	return []rights.Rule{rights.To("networking.k8s.io", "networkpolicies", "list").For("what cuts the run's pods off from each other").
		Or("it is not told when pods do not become Ready")}
}

// RoomRights are those for what is read of a cluster before objects are placed in it; see Room and Demands.
func RoomRights(objects []Object) []rights.Rule {
	out := []rights.Rule{
		rights.To("", "limitranges", "list").For("what the namespace demands of podproof's own pods").Or("it is told when a pod is refused"),
		rights.To("", "resourcequotas", "list").For("what the namespace demands of podproof's own pods").Or("it is told when a pod is refused"),
	}
	if claimStorage(objects) {
		out = append(out, rights.To("storage.k8s.io", "storageclasses", "list").Anywhere().For("a storage class for the claims of the manifests").
			Or("the classes that the manifests name are taken to be there"))
	}
	if namePriority(objects) {
		out = append(out, rights.To("scheduling.k8s.io", "priorityclasses", "list").Anywhere().For("the priority classes that the manifests name").
			Or("pods run without them"))
	}
	return out
}

// ResourceOf says how the API server calls the kind of an object, and whether it belongs to the
// whole cluster. The error is a meta.NoMatchError where it has no such kind.
type ResourceOf func(Object) (resource schema.GroupResource, wide bool, err error)

// Resource is a ResourceOf that asks the cluster.
func (a *Applier) Resource(o Object) (schema.GroupResource, bool, error) {
	m, err := a.mapping(o)
	if err != nil {
		return schema.GroupResource{}, false, err
	}
	return m.Resource.GroupResource(), m.Scope.Name() != meta.RESTScopeNameNamespace, nil
}

// GuessResource is a ResourceOf that knows no cluster: the plural of a kind that is not
// Kubernetes' own may be another one.
func GuessResource(o Object) (schema.GroupResource, bool, error) {
	plural, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
	return plural.GroupResource(), slices.Contains(clusterKinds, o.GetKind()) && !isCustom(o), nil
}

// clusterKinds are those of Kubernetes' own that belong to the whole cluster.
var clusterKinds = []string{"APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "ClusterTrustBundle", "ComponentStatus",
	"CustomResourceDefinition", "DeviceClass", "FlowSchema", "IPAddress", "IngressClass", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
	"MutatingWebhookConfiguration", "Namespace", "Node", "PersistentVolume", "PriorityClass", "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass",
	"ServiceCIDR", "StorageClass", "StorageVersionMigration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass"}

// ApplyRights are those for the objects in a namespace of a cluster that podproof did not make: they
// are created, and nothing that is there is changed or read. Of what belongs to the whole cluster it
// is only read whether it is there; what the cluster has no kind for is left out.
func ApplyRights(objects []Object, of ResourceOf) (out []rights.Rule, err error) {
	placed, _ := Confine(Rewritten(objects, Rewrite{}), Room{Lent: true})
	for _, o := range placed {
		resource, wide, err := of(o)
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		on := func(verb string) rights.Rule { return rights.To(resource.Group, resource.Resource, verb) }
		switch {
		case wide:
			out = append(out, on("get").Of(o.GetName()).Anywhere().For("whether the cluster has what the manifests have for all of it").Or("it is taken to be there"))
			continue
		case ofEachNamespace(o): // a server-side apply, over what Kubernetes has made
			out = append(out, on("patch").Of(o.GetName()).For("what Kubernetes makes in each namespace, as the manifests have it"))
			continue
		}
		out = append(out, on("create").For("the objects of the manifests"))
		granted, err := grantRights(o)
		if err != nil {
			return nil, err
		}
		out = append(out, granted...)
	}
	return out, nil
}

// grantRights are those without which Kubernetes lets nobody make a role or a binding: nobody
// gives what he does not have (https://kubernetes.io/docs/reference/access-authn-authz/rbac,
// "Privilege escalation prevention and bootstrapping").
func grantRights(o Object) (out []rights.Rule, err error) {
	if o.GroupVersionKind().Group != rbacv1.GroupName {
		return nil, nil
	}
	var role rbacv1.Role
	var binding rbacv1.RoleBinding
	switch o.GetKind() {
	case "Role":
		err = convert(o, &role)
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					out = append(out, rights.To(group, resource, rule.Verbs...).Of(rule.ResourceNames...).For(fmt.Sprintf("%s of the manifests, which gives them to others", o)))
				}
			}
		}
	case "RoleBinding":
		err = convert(o, &binding)
		if binding.RoleRef.Kind == "ClusterRole" {
			out = append(out, rights.To(rbacv1.GroupName, "clusterroles", "bind").Of(binding.RoleRef.Name).For(fmt.Sprintf("%s of the manifests", o)))
		}
	}
	if err != nil {
		return nil, &ManifestError{[]string{fmt.Sprintf("%s: %s: %v", o.Source, o, err)}}
	}
	return out, nil
}

// JobRights are those for waiting for the Jobs of the manifests.
func JobRights(jobs []Controller) (out []rights.Rule) {
	for _, j := range jobs {
		out = append(out, rights.To("batch", "jobs", "list", "watch").Of(j.GetName()).For("the end of the Jobs of the manifests"))
	}
	return out
}

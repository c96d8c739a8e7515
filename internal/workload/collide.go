package workload

import "slices"

// Merged leaves out the copies of an object, which do no harm: an object that is there twice in one
// namespace, and one that differs from another by its namespace alone, since a run has a single
// one. Of two that run pods in two namespaces it is not known which is meant, so both stay.
func Merged(objects []Object) []Object {
	var out []Object
	for _, o := range objects {
		if !slices.ContainsFunc(out, func(first Object) bool { return sameObject(first, o) && isCopy(first, o) }) {
			out = append(out, o)
		}
	}
	return out
}

// sameObject tells whether two would be one object in one namespace.
func sameObject(a, b Object) bool {
	return a.GetKind() != "Namespace" && a.String() == b.String() && a.GroupVersionKind().Group == b.GroupVersionKind().Group
}

func isCopy(a, b Object) bool {
	return sameButNamespace(a, b) && (a.GetNamespace() == b.GetNamespace() || podSpecPath(a.GetKind()) == nil)
}

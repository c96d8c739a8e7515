package workload

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Digest is the SHA-256 of objects as they were read, "sha256:…", so that two runs can be told to have
// used the same manifests. The values of Secrets are left out: from a digest that is published a short
// one could be guessed. It is empty without objects.
func Digest(objects []Object) (string, error) {
	if len(objects) == 0 {
		return "", nil
	}
	sum := sha256.New()
	enc := json.NewEncoder(sum)
	for _, o := range objects {
		u := o.Unstructured
		if o.GetKind() == "Secret" && o.GroupVersionKind().Group == "" {
			u = u.DeepCopy()
			for _, field := range []string{"data", "stringData"} {
				delete(u.Object, field)
			}
			// kubectl keeps the whole object, values and all, in an annotation.
			u.SetAnnotations(nil)
		}
		if err := enc.Encode(u.Object); err != nil {
			return "", fmt.Errorf("taking the digest of %s: %w", o, err)
		}
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), nil
}

package job

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"

	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/workload"
)

// Files are a contract, and its manifests as kustomize and the rest have been resolved, which a
// Job reads from a ConfigMap. What is a Secret among them stays one.
type Files struct{ Contract, Manifests, Secrets string }

const (
	contractFile  = "podproof.yaml"
	manifestsFile = "manifests.yaml"
	secretsFile   = "secrets.yaml"

	// most is what a ConfigMap or a Secret holds (Kubernetes' core validation, MaxSecretSize).
	most = 1 << 20
)

// Pack puts a contract's file and the objects of its manifests together, with the waivers that it takes
// from other files. What is promised of a build is left out: the image is there.
func Pack(contractPath string, c contract.Contract, objects []workload.Object) (Files, error) {
	if info, err := os.Stat(contractPath); err == nil && info.IsDir() {
		contractPath = filepath.Join(contractPath, contract.DefaultFile)
	}
	text := []byte("apiVersion: " + contract.APIVersion + "\nkind: " + contract.Kind + "\n")
	var err error
	if c.Written() {
		if text, err = os.ReadFile(contractPath); err != nil {
			return Files{}, fmt.Errorf("reading the contract: %w", err)
		}
	}
	var f Files
	var manifests []string
	for _, part := range []struct {
		file    string
		into    *string
		secrets bool
	}{{manifestsFile, &f.Manifests, false}, {secretsFile, &f.Secrets, true}} {
		of := slices.DeleteFunc(slices.Clone(objects), func(o workload.Object) bool {
			return (o.GroupVersionKind().Group == "" && o.GetKind() == "Secret") != part.secrets
		})
		if *part.into, err = documents(of); err != nil {
			return Files{}, err
		}
		if len(of) > 0 {
			manifests = append(manifests, part.file)
		}
	}
	if f.Contract, err = contractWith(text, c, manifests); err != nil {
		return Files{}, fmt.Errorf("%s: %w", contractPath, err)
	}
	for what, size := range map[string]int{"the contract and its manifests take": len(f.Contract) + len(f.Manifests), "the Secrets of the manifests take": len(f.Secrets)} {
		if size > most {
			return Files{}, fmt.Errorf("%s %d KiB, and the ConfigMap or Secret in which a Job finds them holds %d KiB: leave out of the contract's `manifests` what the workload under test does not need, or run `podproof verify --cluster current` from outside", what, size>>10, most>>10)
		}
	}
	return f, nil
}

// documents are the objects as YAML, each after the place where it was read.
func documents(objects []workload.Object) (string, error) {
	var out []string
	for _, o := range objects {
		b, err := sigsyaml.Marshal(o.Object)
		if err != nil {
			return "", fmt.Errorf("%s: %s: %w", o.Source, o, err)
		}
		out = append(out, fmt.Sprintf("# %s\n%s", o.Source, b))
	}
	return strings.Join(out, "---\n"), nil
}

// contractWith is the text of a contract with other manifests, in one file, and without a build. All else
// stays as it was written, with its comments.
func contractWith(text []byte, c contract.Contract, manifests []string) (string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return "", err
	}
	root := doc.Content[0] // it was read as a contract before
	var kept []*yaml.Node
	for i := 0; i+1 < len(root.Content); i += 2 {
		switch name := root.Content[i].Value; {
		case name == "manifests", name == "build", name == "waiversFrom", name == "waivers" && len(c.WaiversFrom) > 0:
		default:
			kept = append(kept, root.Content[i], root.Content[i+1])
		}
	}
	fields := map[string]any{}
	if len(manifests) > 0 {
		fields["manifests"] = manifests
	}
	if len(c.WaiversFrom) > 0 && len(c.Waivers) > 0 {
		fields["waivers"] = c.Waivers
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var value yaml.Node
		if err := value.Encode(fields[name]); err != nil {
			return "", err
		}
		kept = append(kept, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, &value)
	}
	root.Content = kept
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(&doc); err != nil {
		return "", err
	}
	return b.String(), e.Close()
}

// plain are the files that anybody may read.
func (f Files) plain() map[string]string {
	out := map[string]string{contractFile: f.Contract}
	if f.Manifests != "" {
		out[manifestsFile] = f.Manifests
	}
	return out
}

func (f Files) secret() map[string]string {
	if f.Secrets == "" {
		return nil
	}
	return map[string]string{secretsFile: f.Secrets}
}

package report

import (
	"fmt"
	"io"
	"strings"

	"podproof.dev/podproof/internal/contract"
)

// WriteContractReference tells of every key of a contract, in Markdown that reads well at a terminal,
// too. docs/contract.md is made of it.
func WriteContractReference(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `# The contract: %[1]s

What an image promises stands in a %[1]s beside the code. No contract is needed to begin with:
`+"`podproof verify -m deploy/ IMAGE`"+` derives what it can from the manifests and the image, and says what that is, and which
flag or key changes it. Without `+"`-m`"+` it looks for manifests (in deploy, k8s, manifests, kustomize and the like) and for a Dockerfile.
`+"`podproof init`"+` writes a contract with the rest, a word on each line. `+"`podproof plan`"+` says what would be tried.

The smallest one:

    apiVersion: %[2]s
    kind: %[3]s
    manifests: [deploy]

All paths in it are relative to it. What the manifests and the image's configuration say may be left out; `+"`-v`"+` prints
what was derived. A key that is not known, or a value that cannot be, is exit code 2, with file, line and what to write.
`+"`podproof help contract`"+` prints this page.

## Whole

Nobody needs all of it. This one has every key:

`+"```yaml\n%[4]s```\n", contract.DefaultFile, contract.APIVersion, contract.Kind, contract.Example)
	for _, g := range contract.Reference() {
		fmt.Fprintf(&b, "\n## %s\n\n", g.Title)
		for _, k := range g.Keys() {
			fmt.Fprintf(&b, "- `%s` (%s): %s.\n", k.Path, k.Type, k.Means)
		}
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(g.About))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

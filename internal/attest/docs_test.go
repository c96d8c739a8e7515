package attest

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"podproof.dev/podproof/internal/contract"
)

// The documentation's policy is one that can be read and has every field, and so has its list of the predicate's.
func TestDocumentation(t *testing.T) {
	data, err := os.ReadFile("../../docs/gate.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	_, example, _ := strings.Cut(text, "```yaml\n")
	example, _, ok := strings.Cut(example, "```")
	if !ok {
		t.Fatal("there is no policy in docs/gate.md")
	}
	file := filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := contract.LoadPolicy(file)
	if err != nil {
		t.Fatal(err)
	}
	if p.MaxAge != contract.UsualMaxAge {
		t.Errorf("the usual age is %s, and the documentation has %s", contract.UsualMaxAge, p.MaxAge)
	}
	for f := range reflect.TypeFor[contract.Policy]().Fields() {
		if name := f.Tag.Get("yaml"); name != "" && !strings.Contains(example, "\n"+name+":") && !strings.HasPrefix(example, name+":") {
			t.Errorf("docs/gate.md does not tell of the policy's field %s", name)
		}
	}
	_, table, _ := strings.Cut(text, "## The predicate")
	for f := range reflect.TypeFor[Verification]().Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !strings.Contains(table, "`"+name) {
			t.Errorf("docs/gate.md does not tell of the predicate's field %s", name)
		}
	}
	for _, c := range gates {
		if !strings.Contains(text, "`"+c.id+"`") {
			t.Errorf("docs/gate.md does not tell of %s", c.id)
		}
	}
}

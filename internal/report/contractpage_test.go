package report

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// docs/contract.md says what `podproof help contract` says. It is written by
// go test ./internal/report -run TheContractsPage -update
func TestTheContractsPageIsTheReference(t *testing.T) {
	page := filepath.Join("..", "..", "docs", "contract.md")
	var b bytes.Buffer
	if err := WriteContractReference(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(page); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the types say (%v): go test ./internal/report -run TheContractsPage -update", page, err)
	}
}

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestHelpContract(t *testing.T) {
	for line, want := range map[string]string{"help contract": "- `termination.exitCodes` (a list of numbers): ", "--help": "`podproof help contract`"} {
		root := newRoot()
		var out, said bytes.Buffer
		root.SetOut(&out)
		if code := exitCode(execute(t.Context(), root, strings.Fields(line)), &said); code != exitPass || !strings.Contains(out.String(), want) {
			t.Errorf("%s: exit code %d, and no %q: %s%s", line, code, want, out.String(), said.String())
		}
	}
}

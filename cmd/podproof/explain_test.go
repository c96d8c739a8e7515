package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	explain := func(id string) (string, string, int) {
		root := newRoot()
		var out, said bytes.Buffer
		root.SetOut(&out)
		code := exitCode(execute(t.Context(), root, []string{"explain", id}), &said)
		return out.String(), said.String(), code
	}
	if out, said, code := explain("termination/exit-zero"); code != exitPass || !strings.HasPrefix(out, "# termination/exit-zero\n") || !strings.Contains(out, "- gunicorn: ") {
		t.Errorf("exit code %d: %s%s", code, out, said)
	}
	if out, _, code := explain("probes/*"); code != exitPass || strings.Count(out, "# probes/") != 3 {
		t.Errorf("exit code %d: %s", code, out)
	}
	if _, said, code := explain("termination"); code != exitUsage || !strings.Contains(said, `did you mean "termination/*"?`) {
		t.Errorf("exit code %d: %s", code, said)
	}
	if _, said, code := explain(""); code != exitUsage || !strings.Contains(said, "does not name a check") {
		t.Errorf("exit code %d: %s", code, said)
	}
}

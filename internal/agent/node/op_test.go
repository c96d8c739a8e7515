package node

import (
	"strings"
	"testing"
)

func TestOps(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range Ops() {
		if seen[op.Name] {
			t.Errorf("there are two of %s", op.Name)
		}
		seen[op.Name] = true
		if op.Does == "" || !strings.HasSuffix(op.Prints, ".") {
			t.Errorf("%s does not say what it does and prints", op.Name)
		}
		if fit := op.Accept(make([]string, len(op.Args)+9)); fit == nil {
			t.Errorf("%s takes any number of empty arguments", op.Name)
		}
		for i := range op.Args { // each may be what nobody knows yet
			args := strings.Fields(strings.Repeat("x ", len(op.Args)))
			args[i] = ""
			if op.Accept(args) == nil {
				t.Errorf("%s takes an empty %s", op.Name, op.Args[i])
			}
		}
	}
}

func TestAccept(t *testing.T) {
	for _, c := range []struct {
		args string
		fits []int
	}{{"", []int{0}}, {"A", []int{1}}, {"A B", []int{2}}, {"A B…", []int{2, 3, 4}}} {
		op := Op{Name: "x", Args: strings.Fields(c.args)}
		for n := range 5 {
			want := false
			for _, fit := range c.fits {
				want = want || fit == n
			}
			err := op.Accept(strings.Fields(strings.Repeat("a ", n)))
			if (err == nil) != want {
				t.Errorf("%q with %d: %v", c.args, n, err)
			}
			if err != nil && !strings.Contains(err.Error(), "`agent node "+op.Usage()+"`") {
				t.Errorf("it does not say how: %v", err)
			}
		}
	}
}

package check

import (
	"testing"

	"podproof.dev/podproof/internal/evidence"
)

// A step of an earlier stage runs below that stage's instructions alone, not below those of the last one.
func TestAboveAStep(t *testing.T) {
	all := []evidence.Instruction{
		{Line: 1, Stage: "deps", Text: "FROM python AS deps"},
		{Line: 2, Stage: "deps", Text: "ARG MIRROR"},
		{Line: 3, Stage: "deps", Text: "RUN pip install -r requirements.txt"},
		{Line: 4, Stage: "stage-1", Text: "FROM python"},
		{Line: 5, Stage: "stage-1", Text: "ARG GIT_SHA"},
		{Line: 6, Stage: "stage-1", Text: "RUN true"},
	}
	for name, c := range map[string]struct {
		step evidence.BuildStep
		want []int
	}{
		"an earlier stage":               {evidence.BuildStep{Stage: "deps", Line: 3}, []int{1, 2}},
		"a stage without a name":         {evidence.BuildStep{Line: 6}, []int{4, 5}},
		"a line that is not known":       {evidence.BuildStep{Stage: "deps"}, nil},
		"the first line of the last":     {evidence.BuildStep{Stage: "stage-1", Line: 4}, nil},
		"a Dockerfile that is not known": {evidence.BuildStep{Line: 6}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			from := all
			if name == "a Dockerfile that is not known" {
				from = nil
			}
			var got []int
			for _, in := range above(from, c.step) {
				got = append(got, in.Line)
			}
			if len(got) != len(c.want) {
				t.Fatalf("above are the lines %v, want %v", got, c.want)
			}
			for i, line := range c.want {
				if got[i] != line {
					t.Errorf("above are the lines %v, want %v", got, c.want)
				}
			}
		})
	}
}

package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"podproof.dev/podproof/internal/evidence"
)

func TestCriticalPath(t *testing.T) {
	steps := []evidence.Step{
		{Name: "build", Seconds: 3}, {Name: "cluster", Seconds: 12},
		{Name: "kind: Starting control-plane", Started: 2, Seconds: 9},
		{Name: "load", Started: 3, Seconds: 1, After: []string{"build"}},
		{Name: "startup", Started: 12, Seconds: 2, After: []string{"load", "cluster"}},
		{Name: "health", Started: 14, Seconds: 0.2, After: []string{"startup"}},
		{Name: "outages", Started: 14, Seconds: 50, After: []string{"startup"}},
	}
	want := []string{"cluster 12.0 s", "startup 2.0 s", "outages 50.0 s"}
	if diff := cmp.Diff(want, criticalPath(steps)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := criticalPath(nil); got != nil {
		t.Errorf("no steps have the path %v", got)
	}
	circle := []evidence.Step{{Name: "a", Seconds: 1, After: []string{"b"}}, {Name: "b", Seconds: 2, After: []string{"a"}}}
	if got := criticalPath(circle); len(got) != 2 {
		t.Errorf("a circle has the path %v", got)
	}
}

package pipeline

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestATimeThatNobodyMeasures(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1 s", 7 * time.Second: "7 s", 71 * time.Second: "75 s", 2 * time.Minute: "2 min", 131 * time.Second: "2 min 15 s"} {
		if got := About(d); got != want {
			t.Errorf("%s is about %q", d, got)
		}
	}
}

// A run says at its beginning what is verified, where, and about how long that takes, and each trial what it usually takes.
func TestARunSaysAboutHowLongItTakes(t *testing.T) {
	r := whole(t)
	steps := r.steps()
	for _, s := range steps {
		if s.usual > 0 && s.within > 0 && s.usual > s.within {
			t.Errorf("%s usually takes %s, of %s at most", s.id, s.usual, s.within)
		}
	}
	got := r.begins(steps)
	for _, want := range []string{"Verifying " + r.imageRef() + ", in a ", " cluster that podproof makes and removes: about " + About(longest(steps, usually))} {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	r.plan.Container.ReadinessProbe = &corev1.Probe{InitialDelaySeconds: 300}
	if later := longest(r.steps(), usually); later < longest(steps, usually)+4*time.Minute {
		t.Errorf("with a probe that waits for five minutes it takes %s", later)
	}
}

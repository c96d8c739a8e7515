package trial

import (
	"testing"
	"time"
)

func TestEachTrialSaysHowLongItUsuallyTakes(t *testing.T) {
	limits := Limits{Start: 3 * time.Second, End: 45 * time.Second, Longest: time.Second, Required: 2, Replicas: 2}
	for _, x := range List {
		if usual, most := x.Usual(limits), x.Within(limits); usual <= 0 || usual > most {
			t.Errorf("%s usually takes %s, and may take %s", x.ID, usual, most)
		}
	}
	more := limits
	more.Start += time.Second
	if Rollouts.Usual(more)-Rollouts.Usual(limits) != 2*time.Second || MalformedEnv.Usual(limits) != 13*time.Second {
		t.Error("starts and variables do not count")
	}
}

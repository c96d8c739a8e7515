package trial

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"podproof.dev/podproof/internal/evidence"
)

// pressures are nodes that print lines, each its own.
type pressures map[string][]string

func (n pressures) Stream(_ context.Context, name string, out io.Writer, _ string, _ ...string) error {
	_, err := fmt.Fprintln(out, strings.Join(n[name], "\n"))
	return err
}

// What another node of the same machine uses is no stranger's: an image that keeps its own node busy
// cannot hide behind itself because the machine has several.
func TestNodesThatShareAMachine(t *testing.T) {
	first := []string{ // it uses 0.1 s of each second, while 1.8 of the machine's 2 s are used
		"1770000000.000000 0 0 0 0 0",
		"1770000001.000000 900000 180 0 20 100000",
		"1770000002.000000 1800000 360 0 40 200000",
	}
	for name, c := range map[string]struct {
		second []string
		others map[int64]float64 // by the second
	}{
		"the other one uses the rest": {[]string{"1769999999.500000 0 0 0 0 0", "1770000000.500000 0 0 0 0 1700000", "1770000001.500000 0 0 0 0 3400000", "1770000002.500000 0 0 0 0 5100000"}, map[int64]float64{1: 0, 2: 0}},
		"the other one stands still":  {[]string{"1769999999.500000 0 0 0 0 0", "1770000002.500000 0 0 0 0 0"}, map[int64]float64{1: 0.85, 2: 0.85}},
		"it says something late":      {[]string{"1770000000.500000 0 0 0 0 0", "1770000003.000000 0 0 0 0 0"}, map[int64]float64{2: 0.85}},
		"it says no more":             {[]string{"1769999999.500000 0 0 0 0 0", "1770000001.500000 0 0 0 0 0"}, map[int64]float64{1: 0.85}},
		"it cannot tell":              {[]string{"1769999999.500000"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := StartSampler(t.Context(), pressures{"a": first, "b": c.second}, "a", "b")
			g.Stop()
			var want []evidence.Pressure
			for second := range int64(3) {
				if others, ok := c.others[second]; ok {
					want = append(want, evidence.Pressure{At: time.Unix(1770000000+second, 0), Waiting: 0.9, Others: others})
				}
			}
			if diff := cmp.Diff(want, g.Samples(), cmpopts.EquateApprox(0, 1e-9), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

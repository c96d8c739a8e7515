package capability

import (
	"slices"
	"testing"
)

func TestLacking(t *testing.T) {
	for name, test := range map[string]struct {
		bounding uint64
		last     int
		want     []string
	}{
		"whole set":                 {0x1ffffffffff, 40, nil},
		"without CAP_SYS_RESOURCE":  {0x1fffeffffff, 40, []string{"CAP_SYS_RESOURCE"}},
		"older kernel, fewer known": {0x1fffffffff, 36, nil},
		"without the first":         {0x1fffffffffe, 40, []string{"CAP_CHOWN"}},
	} {
		if got := lacking(test.bounding, test.last); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func TestMissingOfThisProcess(t *testing.T) {
	if _, err := Missing("self"); err != nil {
		t.Fatal(err)
	}
}

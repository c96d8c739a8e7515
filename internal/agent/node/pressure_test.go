package node

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func (tr tree) measurable() {
	tr.write(tr.Proc, "pressure/cpu", "some avg10=0.12 avg60=0.00 avg300=0.00 total=1900000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n")
	tr.write(tr.Proc, "stat", "cpu  1000 20 300 5000 70 4 6 20 900 80\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 9\n")
}

func TestPressure(t *testing.T) {
	for name, c := range map[string]struct {
		change func(tree)
		want   string
	}{
		"v2": {func(tr tree) { tr.write(tr.Cgroup, "cpu.stat", "usage_usec 9400000\nuser_usec 1\n") }, " 1900000 1330 20 5070 9400000"},
		"v1": {func(tr tree) { tr.write(tr.Cgroup, "cpuacct/cpuacct.usage", "9400000999\n") }, " 1900000 1330 20 5070 9400000"},
		"no pressure": {func(tr tree) {
			tr.write(tr.Cgroup, "cpu.stat", "usage_usec 9400000\n")
			if err := os.RemoveAll(filepath.Join(tr.Proc, "pressure")); err != nil {
				tr.t.Fatal(err)
			}
		}, "  1330 20 5070 9400000"},
	} {
		t.Run(name, func(t *testing.T) {
			tr := plant(t)
			tr.measurable()
			c.change(tr)
			synctest.Test(t, func(t *testing.T) {
				in, open := io.Pipe()
				time.AfterFunc(2500*time.Millisecond, func() { open.Close() })
				var out strings.Builder
				began := time.Now()
				if err := tr.Pressure(t.Context(), in, &out); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != 2500*time.Millisecond {
					t.Errorf("it ended after %s", took)
				}
				// A bubble's clock starts at midnight of 2000-01-01.
				if want := "946684800.000000" + c.want + "\n946684801.000000" + c.want + "\n946684802.000000" + c.want + "\n"; out.String() != want {
					t.Errorf("%q, want %q", out.String(), want)
				}
			})
		})
	}
}

// Where the kernel tells something else there are no figures.
func TestPressureUnknown(t *testing.T) {
	for name, change := range map[string]func(tree){
		"no control group": func(tree) {},
		"words":            func(tr tree) { tr.write(tr.Cgroup, "cpu.stat", "usage_usec much\n") },
		"no usage":         func(tr tree) { tr.write(tr.Cgroup, "cpu.stat", "user_usec 1\n") },
		"another stat": func(tr tree) {
			tr.write(tr.Cgroup, "cpu.stat", "usage_usec 1\n")
			tr.write(tr.Proc, "stat", "cpu 1 2 3\n")
		},
		"words in stat": func(tr tree) {
			tr.write(tr.Cgroup, "cpu.stat", "usage_usec 1\n")
			tr.write(tr.Proc, "stat", "cpu 1 2 3 4 5 6 7 x 9\n")
		},
	} {
		tr := plant(t)
		tr.measurable()
		change(tr)
		if out, err := tr.run("pressure"); err == nil || out != "" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

// It ends with whoever asked, or listens.
func TestPressureEnds(t *testing.T) {
	tr := plant(t)
	tr.measurable()
	tr.write(tr.Cgroup, "cpu.stat", "usage_usec 1\n")
	in, open := io.Pipe()
	defer open.Close()
	deaf, gone := io.Pipe()
	deaf.Close()
	if err := tr.Pressure(t.Context(), in, gone); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("with nobody to listen: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	cancel(enough)
	if err := tr.Pressure(ctx, in, io.Discard); !errors.Is(err, enough) {
		t.Errorf("interrupted: %v", err)
	}
}

package kind

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestStepsOfKindsLog(t *testing.T) {
	for _, c := range []struct {
		name, line, want string
	}{
		{"begins", " • Preparing nodes 📦  ...\n", "started: Preparing nodes"},
		{"ends well", " ✓ Preparing nodes 📦 \n", "ended: Preparing nodes"},
		{"ends badly", " ✗ Preparing nodes 📦 \n", "failed: Preparing nodes"},
		{"several nodes", " • Preparing nodes 📦 📦  ...\n", "started: Preparing nodes"},
		{"an image's name", " • Ensuring node image (kindest/node:v1.35.0) 🖼️  ...\n", "started: Ensuring node image (kindest/node:v1.35.0)"},
		{"a hyphen", " ✓ Starting control-plane 🕹️\n", "ended: Starting control-plane"},
		{"capitals", " • Installing StorageClass 💾  ...\n", "started: Installing StorageClass"},
		{"another line", "Creating cluster \"podproof-x\" ...\n", "debug: Creating cluster \"podproof-x\" ..."},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			s := recorder(&got)
			s.V(0).Infof("%s", c.line)
			s.V(0).Info(c.line)
			if diff := cmp.Diff([]string{c.want, c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestStepsOfSeveralLines(t *testing.T) {
	var got []string
	recorder(&got).V(0).Info(" ✓ Writing configuration 📜\n • Starting control-plane 🕹️  ...\n")
	if diff := cmp.Diff([]string{"ended: Writing configuration", "started: Starting control-plane"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWarningsGoToTheDebugLog(t *testing.T) {
	var got []string
	s := recorder(&got)
	s.Warn("a warning")
	s.Warnf("warning %d", 2)
	s.Error("an error")
	s.Errorf("error %d", 2)
	if s.V(1).Enabled() || !s.V(0).Enabled() {
		t.Error("only level 0 is listened to")
	}
	s.V(1).Info(" ✓ Preparing nodes 📦")
	if diff := cmp.Diff([]string{"debug: a warning", "debug: warning 2", "debug: an error", "debug: error 2"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func recorder(got *[]string) *steps {
	return &steps{
		started: func(name string) { *got = append(*got, "started: "+name) },
		ended: func(name string, _ time.Duration, ok bool) {
			how := "failed: "
			if ok {
				how = "ended: "
			}
			*got = append(*got, how+name)
		},
		debug: func(text string) { *got = append(*got, "debug: "+text) },
	}
}

package trial

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"podproof.dev/podproof/internal/agent/node"
	"podproof.dev/podproof/internal/evidence"
)

// here is a node that is this machine.
type here struct{}

func (here) Stream(ctx context.Context, _ string, out io.Writer, op string, args ...string) error {
	ops := node.Ops()
	i := slices.IndexFunc(ops, func(o node.Op) bool { return o.Name == op })
	return ops[i].Run(ctx, node.Local(), args, strings.NewReader(""), out)
}

// What the kubelet has rotated is read before what it writes, and each container for itself.
func TestReadLogsOfANode(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		w := io.Writer(f)
		if strings.HasSuffix(name, ".gz") {
			z := gzip.NewWriter(f)
			defer z.Close()
			w = z
		}
		if _, err := io.WriteString(w, "2026-11-24T12:00:00.1Z stdout F "+text+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	write("api/0.log.20261124-120000.gz", "first")
	write("api/0.log.20261124-120100", "second hunter2")
	write("api/0.log", "third")
	write("api/1.log", "after a restart")
	write("migrate/0.log", "up")

	files, err := readLogs(t.Context(), here{}, "worker", dir, strings.NewReplacer("hunter2", "[masked]").Replace)
	if err != nil {
		t.Fatal(err)
	}
	words := func(l evidence.ContainerLog) string {
		var out []string
		for _, line := range l.Lines {
			out = append(out, line.Text)
		}
		return strings.Join(out, ", ")
	}
	if got, want := words(files.Log("api")), "first, second [masked], third, after a restart"; got != want {
		t.Errorf("api said %s, want %s", got, want)
	}
	if got := words(files.Log("migrate")); got != "up" {
		t.Errorf("migrate said %s", got)
	}
	if files, err = readLogs(t.Context(), here{}, "worker", filepath.Join(dir, "gone"), strings.ToLower); err != nil || len(files.Log("api").Lines) != 0 {
		t.Errorf("of a pod that is gone: %v", err)
	}
}

// lossy is a node whose first streams lose the end of their output, without an error.
type lossy struct {
	here
	left int
}

func (l *lossy) Stream(ctx context.Context, node string, out io.Writer, command string, args ...string) error {
	if l.left--; l.left < 0 {
		return l.here.Stream(ctx, node, out, command, args...)
	}
	var all bytes.Buffer
	err := l.here.Stream(ctx, node, &all, command, args...)
	_, _ = out.Write(all.Bytes()[:len("2026-11-24T12:00:00.1Z stdout F ")])
	return err
}

// A stream that breaks off is read again; one that always does is an error, and never a silent log.
func TestReadLogsThatBreakOff(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "api"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "api", "0.log"), []byte("2026-11-24T12:00:00.1Z stderr F missing: TOKEN\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := readLogs(t.Context(), &lossy{left: logTries - 1}, "worker", dir, strings.ToLower)
	if err != nil || len(files.Log("api").Lines) != 1 {
		t.Errorf("read again: %v, and the log is %v", err, files.Log("api"))
	}
	whole := &lossy{}
	if _, err := readLogs(t.Context(), whole, "worker", dir, strings.ToLower); err != nil || whole.left != -1 {
		t.Errorf("what came at once was read %d times (%v)", -whole.left, err)
	}
	if _, err := readLogs(t.Context(), &lossy{left: logTries}, "worker", dir, strings.ToLower); err == nil || !strings.Contains(err.Error(), "ends before their end") {
		t.Errorf("always cut: %v", err)
	}
}

// The files of a pod's containers are put together with what was followed over the API.
func TestPodEvidenceHasTheLogsOfAllContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKubelet(t, life{says: "hello"})
		b := k.bench(template(withSidecar, func(t *corev1.PodTemplateSpec) { t.Spec.InitContainers = []corev1.Container{{Name: "migrate"}} }))
		files := ">migrate\n2026-11-24T12:00:00.1Z stderr F up\n>api\n2026-11-24T12:00:00.2Z stdout F hello\n>\n"
		b.Node = &printing{Node: k, out: files}
		k.client.PrependReactor("get", "pods/log", func(a clienttesting.Action) (bool, runtime.Object, error) {
			if c := a.(clienttesting.GenericActionImpl).Value.(*corev1.PodLogOptions).Container; c != "proxy" {
				return true, &runtime.Unknown{}, nil
			}
			return true, &runtime.Unknown{Raw: []byte("2026-11-24T12:00:00.3Z listening\n")}, nil
		})
		k.start(b, "api-1")
		synctest.Wait()
		p, err := b.readyPod()
		if err != nil {
			t.Fatal(err)
		}
		e := b.podEvidence(t.Context(), string(p.UID))
		if len(e.Log) != 1 || e.Log[0].Text != "hello" || e.Log[0].Stream != "stdout" || e.Unread != "" {
			t.Errorf("its log is %+v (%s)", e.Log, e.Unread)
		}
		if len(e.OtherLogs) != 2 || e.OtherLogs[0].Container != "migrate" || e.OtherLogs[0].Lines[0].Text != "up" || e.OtherLogs[1].Container != "proxy" || e.OtherLogs[1].Lines[0].Text != "listening" {
			t.Errorf("the others' are %+v", e.OtherLogs)
		}
		b.Node = &printing{Node: k, out: ">api\n"}
		if e := b.podEvidence(t.Context(), string(p.UID)); !strings.Contains(e.Unread, "the log files on node worker could not be read") || len(e.OtherLogs) != 1 {
			t.Errorf("unread: %q, the others' are %+v", e.Unread, e.OtherLogs)
		}
		b.Node = nil
		if e := b.podEvidence(t.Context(), string(p.UID)); e.Unread != "" || len(e.OtherLogs) != 1 {
			t.Errorf("without a node: %+v", e)
		}
		b.Node = &printing{Node: k}
		if e := b.podEvidence(t.Context(), "none"); e.Unread != "" {
			t.Errorf("of a pod on no node: %q", e.Unread)
		}
	})
}

// printing is a node whose streams are all the same.
type printing struct {
	Node
	out string
}

func (p *printing) Stream(_ context.Context, _ string, out io.Writer, _ string, args ...string) error {
	if len(args) != 1 || !strings.HasPrefix(args[0], "/var/log/pods/shop_api-1_u-") {
		return errors.New("no such folder")
	}
	_, err := io.WriteString(out, p.out)
	return err
}

// Without a node a log comes over the API, which may be late: what a container did not say until then is
// not known to be all that it said.
func TestPodEvidenceWaitsForTheEndOfALog(t *testing.T) {
	for name, takes := range map[string]time.Duration{"in time": 5 * time.Second, "never": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKubelet(t, life{ends: time.Second, code: 1})
				b := k.bench(template())
				k.client.PrependReactor("get", "pods/log", func(clienttesting.Action) (bool, runtime.Object, error) {
					time.Sleep(takes)
					return true, &runtime.Unknown{Raw: []byte("2026-11-24T12:00:00.3Z PORT is missing\n")}, nil
				})
				k.start(b, "api-1")
				synctest.Wait()
				time.Sleep(3 * time.Second)
				synctest.Wait()
				b.Node = nil
				began := time.Now()
				e := b.podEvidence(t.Context(), b.Observer.UIDs(func(*corev1.Pod) bool { return true })[0])
				if late := takes > LogEnds; (e.Unread != "") != late || (len(e.Log) == 0) != late || time.Since(began) > LogEnds {
					t.Errorf("after %s: unread %q, the log is %v", time.Since(began), e.Unread, e.Log)
				}
				time.Sleep(takes)
			})
		})
	}
}

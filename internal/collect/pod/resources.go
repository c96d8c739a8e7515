package pod

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/evidence"
	"podproof.dev/podproof/internal/workload"
)

const (
	// measuredFor is how long the idle and the loaded container are each measured.
	measuredFor = 2 * time.Second
	// loadedEvery is the time between two requests of a stream, in milliseconds.
	loadedEvery = 10
	// mostWrites are listed.
	mostWrites = 50
)

// usageScript prints the memory in use, the page cache within it that is easily given back
// (bytes), the CPU time (microseconds) and the time throttled (microseconds) of the control
// group of container $1, for cgroup v2 and v1, or "gone" where it has no process any more.
const usageScript = `set -- $(grep -ls -- "$1" /proc/[0-9]*/cgroup)
f=$1; [ -n "$f" ] || { echo gone; exit; }
p=$(sed -n 's/^0:://p' "$f")
if [ -f "/sys/fs/cgroup$p/memory.current" ]; then
  d=/sys/fs/cgroup$p
  cat "$d/memory.current"; sed -n 's/^inactive_file //p' "$d/memory.stat"
  sed -n 's/^usage_usec //p' "$d/cpu.stat"
  t=$(sed -n 's/^throttled_usec //p' "$d/cpu.stat"); echo "${t:-0}"
else
  at() { sed -n "s/^[0-9]*:[a-z,]*\\b$1\\b[a-z,]*://p" "$f"; }
  m=/sys/fs/cgroup/memory$(at memory) a=/sys/fs/cgroup/cpuacct$(at cpuacct) c=/sys/fs/cgroup/cpu$(at cpu)
  cat "$m/memory.usage_in_bytes"; sed -n 's/^total_inactive_file //p' "$m/memory.stat"
  echo $(($(cat "$a/cpuacct.usage") / 1000))
  t=$(sed -n 's/^throttled_time //p' "$c/cpu.stat"); echo $((${t:-0} / 1000))
fi`

// writesScript lists the mount points of container $1, and then size and path of the files in
// the upper directory of its root file system. Left out are the runtime's own in /dev, and those
// that kind's hook puts there (images/base/files/kind/bin/mount-product-files.sh). It says
// "gone" of a container that has no process any more.
const writesScript = `set -- $(grep -ls -- "$1" /proc/[0-9]*/cgroup)
[ -n "$1" ] || { echo gone; exit; }
pid=${1#/proc/}; pid=${pid%/cgroup}
mounts=$(cat "/proc/$pid/mountinfo")
upper=$(printf '%s\n' "$mounts" | awk '$5 == "/" {print $NF}' | tr , '\n' | sed -n 's/^upperdir=//p')
[ -n "$upper" ] || exit 3
printf '%s\n' "$mounts" | awk '{print "mount\t" $5}'
cd "$upper" && find . -type f ! -path './dev/*' ! -path './product_*' -printf '%s\t/%P\n' | sort -k2`

// Resources measures one container of the workload, idle and then under a light load that
// the agent sends it, and lists what it wrote outside of its volumes.
func Resources(ctx context.Context, b *Bench, port int, path string) (*evidence.Resources, error) {
	began := time.Now()
	if b.Node == nil {
		return nil, fmt.Errorf("this cluster lets podproof run nothing on a node, where it would read the container's control group")
	}
	p, err := b.readyPod()
	if err != nil {
		return nil, err
	}
	r := &evidence.Resources{Pod: p.Name}
	err = b.use(ctx, r, p, port, path)
	if r.Ended = b.endedMeanwhile(ctx, p, err); r.Ended != nil {
		err = nil
	}
	r.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, err
	}
	return r, nil
}

// toldWithin is how long the kubelet may take to tell that a container has ended.
const toldWithin = 10 * time.Second

// endedMeanwhile is how the pod's container has ended since, nil when it has not. It is
// waited for where there is reason to think so.
func (b *Bench) endedMeanwhile(ctx context.Context, p *corev1.Pod, reason error) *corev1.ContainerStateTerminated {
	before := workload.Restarts(p, b.Container)
	var last *corev1.ContainerStateTerminated
	wait := time.Duration(0)
	if reason != nil {
		wait = toldWithin
	}
	_ = b.within(ctx, wait, string(p.UID), func(o *workload.Observed) (bool, string) {
		last = workload.Terminated(o.Pod, b.Container)
		if last == nil && workload.Restarts(o.Pod, b.Container) > before {
			last = workload.LastTerminated(o.Pod, b.Container)
		}
		return last != nil, workload.Summary(o.Pod)
	})
	return last
}

// use measures a pod's container.
func (b *Bench) use(ctx context.Context, r *evidence.Resources, p *corev1.Pod, port int, path string) (err error) {
	m := meter{b, p.Spec.NodeName, workload.ContainerID(p, b.Container)}
	if r.Idle, err = m.measure(ctx); err != nil {
		return err
	}
	load, err := b.StartLoad(ctx, agent.Plan{Streams: steady(net.JoinHostPort(p.Status.PodIP, strconv.Itoa(port)), "GET", path, loadedEvery)})
	if err != nil {
		return err
	}
	defer load.cancel()
	if r.Loaded, err = m.measure(ctx); err != nil {
		return err
	}
	requests, err := load.Stop(ctx)
	if err != nil {
		return err
	}
	for _, q := range requests {
		if q.Failure == "" {
			r.Requests++
		}
	}
	return m.writes(ctx, r)
}

// meter reads the control group of a container.
type meter struct {
	*Bench
	node, container string
}

// measure is the use in a window of time.
func (m meter) measure(ctx context.Context) (evidence.Usage, error) {
	before, err := m.read(ctx)
	if err != nil {
		return evidence.Usage{}, err
	}
	began := time.Now()
	select {
	case <-time.After(measuredFor):
	case <-ctx.Done():
		return evidence.Usage{}, context.Cause(ctx)
	}
	after, err := m.read(ctx)
	if err != nil {
		return evidence.Usage{}, err
	}
	window := time.Since(began).Seconds()
	return evidence.Usage{Memory: max(0, after[0]-after[1]), CPU: float64(after[2]-before[2]) / 1e6 / window,
		Throttled: float64(after[3]-before[3]) / 1e6, Window: window}, nil
}

func (m meter) read(ctx context.Context) ([]int64, error) {
	out, err := m.Node.Run(ctx, m.node, "sh", "-c", usageScript, "sh", m.container)
	if err != nil {
		return nil, fmt.Errorf("reading the container's control group: %w", err)
	}
	if gone(out) {
		return nil, fmt.Errorf("container %s was gone from node %s when podproof measured it", m.Container, m.node)
	}
	return parseUsage(string(out))
}

func parseUsage(out string) ([]int64, error) {
	words := strings.Fields(out)
	if len(words) != 4 {
		return nil, fmt.Errorf("the container's control group says %q, expected four numbers", brief(out))
	}
	var ns []int64
	for _, w := range words {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("the container's control group says %q, expected four numbers", brief(out))
		}
		ns = append(ns, n)
	}
	return ns, nil
}

func brief(s string) string { return s[:min(len(s), 200)] }

// writes lists what the container wrote. That the container is gone is an error.
func (m meter) writes(ctx context.Context, r *evidence.Resources) error {
	out, err := m.Node.Run(ctx, m.node, "sh", "-c", writesScript, "sh", m.container)
	if err != nil {
		r.WritesUnknown = "the container's root file system shows no upper directory on the node (another snapshotter than overlayfs?)"
		return nil
	}
	if gone(out) {
		return fmt.Errorf("container %s was gone from node %s when podproof looked for what it wrote", m.Container, m.node)
	}
	r.Writes, r.Further = parseWrites(string(out))
	return nil
}

// gone tells whether a script found no process of the container.
func gone(out []byte) bool { return strings.TrimSpace(string(out)) == "gone" }

// unescape reads a path as mountinfo writes it (proc_pid_mountinfo(5)).
var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`)

// parseWrites leaves out what is a mount point: where the image has no file there, the runtime
// makes an empty one to mount on.
func parseWrites(out string) (ws []evidence.Write, further int) {
	mounted := map[string]bool{}
	for line := range strings.Lines(out) {
		size, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if size == "mount" {
			mounted[unescape.Replace(path)] = true
			continue
		}
		n, err := strconv.ParseInt(size, 10, 64)
		if ok && err == nil && !mounted[path] {
			ws = append(ws, evidence.Write{Path: path, Bytes: n})
		}
	}
	if len(ws) > mostWrites {
		slices.SortStableFunc(ws, func(a, b evidence.Write) int { return int(min(1, max(-1, b.Bytes-a.Bytes))) })
		further = len(ws) - mostWrites
		ws = ws[:mostWrites]
	}
	return ws, further
}

package pod

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"podproof.dev/podproof/internal/workload"
)

// dependency is what is taken away from the workload, and given back.
type dependency struct {
	*Bench
	runner workload.Runner
	// services are the names of those that lead to it.
	services []string
}

// signalScript sends $2 to the processes of container $1 whose command line matches $3,
// $4 times, a quarter of a second apart, and prints how many it met.
const signalScript = `n=0
for i in $(seq "$4"); do
  [ "$i" = 1 ] || sleep 0.25
  for f in $(grep -ls -- "$1" /proc/[0-9]*/cgroup); do
    d=${f%/cgroup}
    tr '\0' ' ' < "$d/cmdline" 2>/dev/null | grep -Eq -- "$3" || continue
    kill -"$2" "${d#/proc/}" 2>/dev/null && n=$((n + 1))
  done
done
echo $n`

// freezeScript stops the processes of container $1, and prints how many they are. Two looks in
// a row must find them all stopped: one that was forked beside the first look is in the second.
const freezeScript = `calm=0
for i in $(seq 100); do
  met=0 running=0
  for f in $(grep -ls -- "$1" /proc/[0-9]*/cgroup); do
    d=${f%/cgroup} state=
    { while read -r key state _ && [ "$key" != State: ]; do :; done < "$d/status"; } 2>/dev/null
    case $state in
      "" | Z | X) continue ;; # it has ended
      T | t) ;;
      *) kill -STOP "${d#/proc/}" 2>/dev/null; running=$((running + 1)) ;;
    esac
    met=$((met + 1))
  done
  [ "$running" = 0 ] && calm=$((calm + 1)) || calm=0
  [ "$calm" -lt 2 ] || { echo "$met"; exit; }
  sleep 0.05
done
echo "SIGSTOP did not stop $running of its $met processes" >&2
exit 1`

const (
	anyProcess = "."
	// connectionProcess are Postgres' server processes of a client over TCP: "postgres: app
	// shop 10.244.0.7(41324) idle".
	connectionProcess = `^postgres: .*[0-9.:a-f]+\([0-9]+\)`
)

// signal sends a signal to processes of the dependency, so many times.
func (d *dependency) signal(ctx context.Context, name, which string, rounds int) error {
	n, err := d.each(ctx, "sending "+name+" to", signalScript, name, which, strconv.Itoa(rounds))
	switch {
	case err != nil || n > 0:
		return err
	case which == connectionProcess:
		return fmt.Errorf("no pod of %s has a server process for a connection: the workload keeps none open, or it is no Postgres, whose processes podproof knows", d.runner)
	}
	return d.notRunning()
}

// each runs a script on the nodes of the dependency's containers, for each with its ID and the
// arguments, and counts those in which it met a process.
func (d *dependency) each(ctx context.Context, doing, script string, args ...string) (n int, err error) {
	if d.Node == nil {
		return 0, errors.New("this cluster lets podproof run nothing on a node, where it would send signals to the dependency's processes")
	}
	for _, p := range pods(d.Observer, podsOf(d.runner)) {
		for _, c := range p.Status.ContainerStatuses {
			if c.State.Running == nil {
				continue
			}
			_, id, _ := strings.Cut(c.ContainerID, "://")
			out, err := d.Node.Run(ctx, p.Spec.NodeName, "sh", append([]string{"-c", script, "sh", id}, args...)...)
			if err != nil {
				return n, fmt.Errorf("%s the processes of pod %s: %w", doing, p.Name, err)
			}
			if strings.TrimSpace(string(out)) != "0" {
				n++
			}
		}
	}
	return n, nil
}

func (d *dependency) notRunning() error { return fmt.Errorf("no container of %s runs", d.runner) }

// freeze stops all processes of the dependency. What it has stopped goes on where others do.
func (d *dependency) freeze(ctx context.Context) error {
	n, err := d.each(ctx, "stopping", freezeScript)
	switch {
	case err != nil && d.Node != nil:
		return errors.Join(err, d.thaw(context.WithoutCancel(ctx)))
	case err == nil && n == 0:
		return d.notRunning()
	}
	return err
}

func (d *dependency) thaw(ctx context.Context) error { return d.signal(ctx, "CONT", anyProcess, 1) }

// restart kills the dependency's processes, and waits until the kubelet has started its
// container again and it is Ready.
func (d *dependency) restart(ctx context.Context) error {
	before := d.restarts()
	if err := d.signal(ctx, "KILL", anyProcess, 1); err != nil {
		return err
	}
	limited, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("%s was not Ready again %s after its processes were killed", d.runner, startWithin))
	defer cancel()
	return d.Observer.Wait(limited, podsOf(d.runner), func(ps []*workload.Observed) (bool, string, error) {
		n, ready := int32(0), true
		for _, p := range ps {
			for _, s := range p.Pod.Status.ContainerStatuses {
				n += s.RestartCount
			}
			ready = ready && workload.IsReady(p.Pod)
		}
		return n > before && ready, fmt.Sprintf("%s is starting again", d.runner), nil
	})
}

func (d *dependency) restarts() int32 {
	n := int32(0)
	for _, p := range pods(d.Observer, podsOf(d.runner)) {
		for _, s := range p.Status.ContainerStatuses {
			n += s.RestartCount
		}
	}
	return n
}

// disconnect ends the server's side of every connection, as pg_terminate_backend does.
func (d *dependency) disconnect(ctx context.Context) error {
	return d.signal(ctx, "TERM", connectionProcess, 1)
}

// rerouted is how often connections are ended while kube-proxy learns that there are no
// endpoints any more: one that is made before goes on for as long as it likes.
const rerouted = 12

// awayLabel is one that no pod has.
const awayLabel = "podproof.dev/away"

// refuse takes the dependency out of its Services, so that kube-proxy refuses new
// connections, and ends those that are open. Its data stay, as they would not if the pod went.
func (d *dependency) refuse(ctx context.Context) error {
	if err := d.route(ctx, `{"spec":{"selector":{"`+awayLabel+`":"yes"}}}`); err != nil {
		return err
	}
	if err := d.signal(ctx, "TERM", connectionProcess, rerouted); err != nil {
		return errors.Join(err, d.accept(context.WithoutCancel(ctx)))
	}
	return nil
}

func (d *dependency) accept(ctx context.Context) error {
	return d.route(ctx, `{"spec":{"selector":{"`+awayLabel+`":null}}}`)
}

func (d *dependency) route(ctx context.Context, patch string) error {
	if len(d.services) == 0 {
		return fmt.Errorf("no Service with a cluster address leads to %s", d.runner)
	}
	for _, s := range d.services {
		_, err := d.client().CoreV1().Services(d.Namespace).Patch(ctx, s, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			return fmt.Errorf("changing the selector of service/%s: %w", s, err)
		}
	}
	return nil
}

// pods are those that match and are there, as last seen.
func pods(o *workload.Observer, match func(*corev1.Pod) bool) []*corev1.Pod {
	var out []*corev1.Pod
	_ = o.Wait(context.Background(), match, func(ps []*workload.Observed) (bool, string, error) {
		for _, p := range ps {
			if p.Gone.IsZero() {
				out = append(out, p.Pod)
			}
		}
		return true, "", nil
	})
	return out
}

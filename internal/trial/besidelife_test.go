package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
)

// besideLife is what the played cluster makes of podproof's own containers beside others.
type besideLife struct {
	refuse func(corev1.EphemeralContainer) error // of admission
	state  corev1.ContainerState                 // for ever; the zero one runs after a second
	breaks time.Duration                         // a stream does, for want of a connection; zero is never
	made   []corev1.EphemeralContainer
	pods   []string
	told   time.Time // when it is sent SIGTERM
}

// addBeside is what the API server and the kubelet make of an ephemeral container.
func (k *kubelet) addBeside(a clienttesting.PatchAction) (bool, runtime.Object, error) {
	var patch struct {
		Spec struct {
			EphemeralContainers []corev1.EphemeralContainer `json:"ephemeralContainers"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(a.GetPatch(), &patch); err != nil || len(patch.Spec.EphemeralContainers) != 1 {
		k.t.Errorf("the patch is %s (%v)", a.GetPatch(), err)
	}
	c := patch.Spec.EphemeralContainers[0]
	if k.beside.refuse != nil {
		if err := k.beside.refuse(c); err != nil {
			return true, nil, err
		}
	}
	k.mu.Lock()
	k.beside.made, k.beside.pods = append(k.beside.made, c), append(k.beside.pods, a.GetName())
	k.mu.Unlock()
	p := k.change(a.GetName(), func(p *corev1.Pod) { p.Spec.EphemeralContainers = append(p.Spec.EphemeralContainers, c) })
	state := k.beside.state
	if state == (corev1.ContainerState{}) {
		state.Running = &corev1.ContainerStateRunning{}
	}
	k.going.Go(func() {
		_ = pause(k.t.Context(), time.Second)
		k.change(a.GetName(), func(p *corev1.Pod) {
			p.Status.EphemeralContainerStatuses = append(p.Status.EphemeralContainerStatuses, corev1.ContainerStatus{Name: c.Name, State: state})
		})
	})
	return true, p, nil
}

// logBeside is what it has written when it is asked.
func (k *kubelet) logBeside(a clienttesting.Action) []byte {
	o, ok := a.(clienttesting.GenericAction).GetValue().(*corev1.PodLogOptions)
	if !ok || !strings.HasPrefix(o.Container, "podproof-look-") {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	at := k.beside.told
	return fmt.Appendf(nil, "a word\ntold soon\ntold %d.%09d\n", at.Unix(), at.Nanosecond())
}

// looks answers as podproof's program does in a container of its own, and as the node's agent does
// where both are asked the same.
func (k *kubelet) looks(ctx context.Context, at string, words []string, _ io.Reader, out io.Writer) error {
	if len(words) < 3 || words[0] != "agent" || words[1] != "look" {
		k.t.Errorf("%s is to run %q", at, words)
	}
	op, args := words[2], words[3:]
	if op == "living" {
		return k.living(ctx, args[0], out)
	}
	said, err := k.Run(ctx, at, op, args...)
	_, _ = out.Write(said)
	return err
}

// living is cut off by the end of the PID namespace that it is in, or by that of its stream.
func (k *kubelet) living(ctx context.Context, id string, out io.Writer) error {
	x := k.container(id)
	say := func(at time.Time) { fmt.Fprintf(out, "alive %d.%09d\n", at.Unix(), at.Nanosecond()) }
	say(time.Now())
	var breaks <-chan time.Time
	if k.beside.breaks > 0 {
		breaks = time.After(k.beside.breaks)
	}
	select {
	case <-x.ended:
		say(x.alive)
		return errors.New("command terminated with exit code 137")
	case <-breaks:
		return io.ErrUnexpectedEOF
	case <-ctx.Done():
		return ctx.Err()
	}
}

// besides are the pods that podproof added a container of its own to, once each.
func (k *kubelet) besides() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(k.beside.pods)))
}

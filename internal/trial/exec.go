package trial

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/streaming/pkg/httpstream"
)

// containerPlace is a container in which podproof's own program lies.
type containerPlace struct{ namespace, pod, container string }

// exec runs podproof's own program in a container of its own image.
func (b *TestBed) exec(ctx context.Context, at containerPlace, words []string, in io.Reader, out io.Writer) error {
	exec, err := b.executor(at, in != nil, words...)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	err = exec.StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: in, Stdout: out, Stderr: &said})
	if words := strings.TrimSpace(said.String()); err != nil && words != "" {
		err = fmt.Errorf("%w: %s", err, brief(words))
	}
	return err
}

func (b *TestBed) executor(at containerPlace, in bool, words ...string) (remotecommand.Executor, error) {
	u := b.client().CoreV1().RESTClient().Post().Resource("pods").Namespace(at.namespace).Name(at.pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: at.container, Command: append([]string{"/podproof"}, words...),
			Stdin: in, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	config := rest.CopyConfig(b.REST)
	ws, err := remotecommand.NewWebSocketExecutor(config, "GET", u.String())
	if err != nil {
		return nil, err
	}
	spdy, err := remotecommand.NewSPDYExecutor(config, "POST", u)
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(ws, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// inside asks podproof's program in a container of its own, as a Node is asked on a node. Which
// one is told does not matter.
type inside struct {
	*TestBed
	at containerPlace
}

// Run returns what it prints.
func (i inside) Run(ctx context.Context, _, op string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := i.Stream(ctx, "", &out, op, args...)
	return out.Bytes(), err
}

// Stream writes what it prints as it comes.
func (i inside) Stream(ctx context.Context, _ string, out io.Writer, op string, args ...string) error {
	in, open := io.Pipe()
	defer context.AfterFunc(ctx, func() { open.Close() })()
	defer in.Close()
	words := append([]string{"agent", "look", op}, args...)
	if i.looks != nil {
		return i.looks(ctx, i.at.pod+"/"+i.at.container, words, in, out)
	}
	return i.exec(ctx, i.at, words, in, out)
}

// AgentNode asks the agent's pod what any place in the cluster tells: whether an address is taken,
// and how busy the machine is on which it runs.
func (b *TestBed) AgentNode() Node { return Guarded{inside{b, agentPlace(b)}} }

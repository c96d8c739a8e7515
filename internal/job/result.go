package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"podproof.dev/podproof/internal/workload"
)

// ResultAnnotation is the result in a line, at the Job.
const ResultAnnotation = "podproof.dev/result"

// indexLabel is at the result of one index of a Job.
const indexLabel = "podproof.dev/index"

// Result is what a run leaves for whoever asks later.
type Result struct {
	Run  string
	Line string // "FAIL 2 of 43: …"
	// Report is JSON, Summary Markdown, and Evidence the record that `podproof judge` reads.
	Report, Summary, Evidence []byte
	// LeftOut says what did not fit into the ConfigMap.
	LeftOut string
}

const (
	reportKey   = "report.json"
	summaryKey  = "summary.md"
	evidenceKey = "evidence.json.zst"
	leftOutKey  = "left-out.txt"

	// room is what the parts may take together: the rest is for names, labels and what was left out.
	room = most - 16<<10
)

// Publish writes the result to a ConfigMap that the Job owns, and to an annotation of the Job where that
// is allowed. What does not fit is left out, the evidence first, and that is said in its place.
func Publish(ctx context.Context, client kubernetes.Interface, j workload.InJob, r Result) error {
	c, err := r.configMap(j)
	if err != nil {
		return err
	}
	_, err = client.CoreV1().ConfigMaps(j.Namespace).Create(ctx, c, metav1.CreateOptions{FieldManager: workload.FieldManager})
	if err != nil {
		err = fmt.Errorf("writing the result to configmap/%s in namespace %s: %w", c.Name, j.Namespace, err)
	}
	patch, marshal := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{annotation(j): r.Line}}})
	if marshal != nil {
		return errors.Join(err, marshal)
	}
	_, annotate := client.BatchV1().Jobs(j.Namespace).Patch(ctx, j.Name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: workload.FieldManager})
	if annotate != nil && !apierrors.IsForbidden(annotate) {
		err = errors.Join(err, fmt.Errorf("annotating job/%s in namespace %s: %w", j.Name, j.Namespace, annotate))
	}
	return err
}

// annotation is the Job's with the result of a run: each index has one.
func annotation(j workload.InJob) string {
	if j.Index != "" {
		return ResultAnnotation + "-" + j.Index
	}
	return ResultAnnotation
}

// configMap is where the result lies. Its name is not that of the run's anchor, which is removed.
func (r Result) configMap(j workload.InJob) (*corev1.ConfigMap, error) {
	packed, err := compressed(r.Evidence)
	if err != nil {
		return nil, err
	}
	c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: ResultName(r.Run), Namespace: j.Namespace, Labels: map[string]string{workload.RunLabel: r.Run},
		Annotations: map[string]string{ResultAnnotation: r.Line}, OwnerReferences: []metav1.OwnerReference{*j.Owner()}},
		Data: map[string]string{}, BinaryData: map[string][]byte{}}
	if j.Index != "" {
		c.Labels[indexLabel] = j.Index
	}
	left := room
	var without []string
	for _, part := range []struct {
		key    string
		data   []byte
		binary bool
		other  string
	}{
		{summaryKey, r.Summary, false, "the pod's log has the report"},
		{reportKey, r.Report, false, "the pod's log has the report"},
		{evidenceKey, packed, true, "--only or --skip make it smaller, and `podproof verify --evidence FILE` from outside keeps it whole"},
	} {
		switch {
		case len(part.data) > left:
			without = append(without, fmt.Sprintf("%s takes %d KiB, for which a ConfigMap has no room beside the rest; %s\n", part.key, len(part.data)>>10, part.other))
			continue
		case part.binary:
			c.BinaryData[part.key] = part.data
		default:
			c.Data[part.key] = string(part.data)
		}
		left -= len(part.data)
	}
	if len(without) > 0 {
		c.Data[leftOutKey] = strings.Join(without, "")
	}
	return c, nil
}

// ResultName is that of the ConfigMap with the result of a run.
func ResultName(run string) string { return "podproof-" + run + "-result" }

// Fetch reads the newest result of a Job, or of one index of it; nil where there is none.
func Fetch(ctx context.Context, client kubernetes.Interface, j workload.InJob) (*Result, error) {
	list, err := client.CoreV1().ConfigMaps(j.Namespace).List(ctx, metav1.ListOptions{LabelSelector: workload.RunLabel})
	if err != nil {
		return nil, fmt.Errorf("looking for the result of job/%s in namespace %s: %w", j.Name, j.Namespace, err)
	}
	var newest *corev1.ConfigMap
	for i, c := range list.Items {
		own := slices.ContainsFunc(c.OwnerReferences, func(r metav1.OwnerReference) bool { return r.UID == j.UID })
		if _, is := c.Annotations[ResultAnnotation]; own && is && c.Labels[indexLabel] == j.Index && (newest == nil || newest.CreationTimestamp.Before(&c.CreationTimestamp)) {
			newest = &list.Items[i]
		}
	}
	if newest == nil {
		return nil, nil
	}
	r := &Result{Run: newest.Labels[workload.RunLabel], Line: newest.Annotations[ResultAnnotation], Report: []byte(newest.Data[reportKey]),
		Summary: []byte(newest.Data[summaryKey]), LeftOut: strings.TrimSpace(newest.Data[leftOutKey])}
	if packed := newest.BinaryData[evidenceKey]; packed != nil {
		if r.Evidence, err = decompressed(packed); err != nil {
			return nil, fmt.Errorf("reading %s of configmap/%s: %w", evidenceKey, newest.Name, err)
		}
	}
	return r, nil
}

func compressed(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, nil
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(b, nil), w.Close()
}

// mostEvidence is what evidence may come to: a small ConfigMap could be made to take all memory.
const mostEvidence = 256 << 20

func decompressed(b []byte) ([]byte, error) {
	r, err := zstd.NewReader(strings.NewReader(string(b)), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, mostEvidence+1))
	if err == nil && len(out) > mostEvidence {
		err = fmt.Errorf("it comes to more than %d MiB", mostEvidence>>20)
	}
	return out, err
}

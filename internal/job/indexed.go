package job

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Part is one of several contracts, which is an index of the Job: Kubernetes sees to it that each is
// verified, that one which could not be checked is tried once more, and that none ends the others.
type Part struct {
	Name  string // of the contract
	Files Files
}

// indexVariable is what Kubernetes tells each pod of an Indexed Job.
const indexVariable = "JOB_COMPLETION_INDEX"

// indexed has the Job verify one contract after the other: in one namespace the objects of two would
// have the same names. Kubernetes has a limit of tries for each index since 1.29.
func (s Spec) indexed(j *batchv1.JobSpec) {
	n, one, mode := int32(len(s.Parts)), int32(1), batchv1.IndexedCompletion
	deadline := *j.ActiveDeadlineSeconds * int64(n)
	j.CompletionMode, j.Completions, j.Parallelism, j.ActiveDeadlineSeconds = &mode, &n, &one, &deadline
	j.BackoffLimit, j.BackoffLimitPerIndex = nil, &one
	for i, r := range j.PodFailurePolicy.Rules {
		if r.Action == batchv1.PodFailurePolicyActionFailJob {
			j.PodFailurePolicy.Rules[i].Action = batchv1.PodFailurePolicyActionFailIndex
		}
	}
}

// contractPath is where the pod finds its contract.
func (s Spec) contractPath() string {
	if len(s.Parts) > 0 {
		return files + "/$(" + indexVariable + ")/" + contractFile
	}
	return files + "/" + contractFile
}

// plain and secret are all files by their keys, of several contracts behind the index.
func (s Spec) plain() map[string]string  { return s.keyed(Files.plain) }
func (s Spec) secret() map[string]string { return s.keyed(Files.secret) }

func (s Spec) keyed(of func(Files) map[string]string) map[string]string {
	if len(s.Parts) == 0 {
		return of(s.Files)
	}
	out := map[string]string{}
	for i, p := range s.Parts {
		for file, text := range of(p.Files) {
			out[fmt.Sprintf("%d.%s", i, file)] = text
		}
	}
	return out
}

// items put the files of each index into a folder of its own; none where there is one contract.
func (s Spec) items(of func(Files) map[string]string) (out []corev1.KeyToPath) {
	for i, p := range s.Parts {
		for _, file := range slices.Sorted(maps.Keys(of(p.Files))) {
			out = append(out, corev1.KeyToPath{Key: fmt.Sprintf("%d.%s", i, file), Path: fmt.Sprintf("%d/%s", i, file)})
		}
	}
	return out
}

// Check refuses contracts that are too large together; Pack has looked at each.
func (s Spec) Check() error {
	for _, texts := range []map[string]string{s.plain(), s.secret()} {
		if n := size(texts); n > most {
			return fmt.Errorf("the contracts and their manifests, or the Secrets of these, take %d KiB together, and the ConfigMap or Secret in which a Job finds them holds %d KiB: give them to Jobs of their own", n>>10, most>>10)
		}
	}
	return nil
}

// Large tells that `kubectl apply` cannot keep what it applied in an annotation (256 KiB at most), so that
// it has to be done --server-side.
func (s Spec) Large() bool { return max(size(s.plain()), size(s.secret())) > 200<<10 }

func size(texts map[string]string) (n int) {
	for _, text := range texts {
		n += len(text)
	}
	return n
}

// FollowAll shows each pod of an Indexed Job until that has ended, and returns the last exit code of each
// index. One that has none never ran to its end. names are those of the contracts.
func (f *Follower) FollowAll(ctx context.Context, names []string) (map[int]int, error) {
	codes, shown := map[int]int{}, map[string]bool{}
	for {
		p, ended, err := f.another(ctx, shown)
		if err != nil || ended != "" {
			return codes, err
		}
		i, name := indexOf(p), p.Name
		if i >= 0 && i < len(names) {
			name = names[i]
		}
		f.tell(fmt.Sprintf("Contract %s (pod/%s)", name, p.Name))
		if err := f.show(ctx, p); err != nil {
			return codes, err
		}
		shown[string(p.UID)] = true
		code, lost, err := f.end(ctx, p)
		if err != nil {
			return codes, err
		}
		if lost != "" {
			f.tell(lost)
			continue
		}
		codes[i] = int(code)
	}
}

// indexOf is a pod's index, -1 where it has none.
func indexOf(p corev1.Pod) int {
	text := p.Annotations[batchv1.JobCompletionIndexAnnotation]
	if text == "" {
		text = p.Labels[batchv1.JobCompletionIndexAnnotation]
	}
	i, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return -1
	}
	return i
}

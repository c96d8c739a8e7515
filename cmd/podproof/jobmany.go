package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/workload"
)

// several says what an Indexed Job is, which verifies several contracts.
func (f *jobFlags) several(s job.Spec, image string) (job.Spec, error) {
	if image != "" {
		return s, errOneImage(image)
	}
	if len(f.manifests) > 0 {
		return s, errors.New("-m is for one contract: with several each names its own `manifests`")
	}
	if f.tool != "" && !slices.Contains([]string{"argocd", "helm", "rollouts"}, f.tool) {
		return s, fmt.Errorf("--for %s takes one contract; argocd, helm and rollouts take the Job of several", f.tool)
	}
	names, err := contractNames(f.files)
	if err != nil {
		return s, err
	}
	asked := slices.Clone(s.PullSecrets)
	var wrong []error
	for i, file := range f.files {
		own, one := *f, s
		own.file, one.Rules, one.PullSecrets = file, nil, asked
		if err := own.with(&one, ""); err != nil {
			if !errors.As(err, new(*contract.Error)) { // which names the file
				err = fmt.Errorf("%s: %w", file, err)
			}
			wrong = append(wrong, err)
			continue
		}
		s.Rules = append(s.Rules, one.Rules...)
		for _, secret := range one.PullSecrets {
			if !slices.Contains(s.PullSecrets, secret) {
				s.PullSecrets = append(s.PullSecrets, secret)
			}
		}
		s.Parts = append(s.Parts, job.Part{Name: names[i], Files: one.Files})
	}
	if len(wrong) > 0 {
		return s, errors.Join(wrong...)
	}
	s.Rules = append(s.Rules, job.RightsFor(f.tool, f.name)...)
	if s.Flags, err = f.passed(); err != nil {
		return s, err
	}
	return s, s.Check()
}

// names are those of several contracts, in the order of the Job's indexes; none where there is one.
func names(parts []job.Part) (out []string) {
	for _, p := range parts {
		out = append(out, p.Name)
	}
	return out
}

// reportedMany writes the reports of all contracts, which the log has shown one by one, and tells them in
// a table. codes are those with which podproof ended.
func (r jobRun) reportedMany(ctx context.Context, j workload.InJob, codes map[int]int) error {
	each, all, err := r.outs.ForSeveral()
	if err != nil {
		return usage(err)
	}
	var ones report.Several
	for i, name := range r.names {
		one, problem := r.ofIndex(ctx, j, i, codes, each.Beside().Of(name))
		if problem != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, problem))
		}
		ones = append(ones, one)
	}
	r.progress.Close()
	err = errors.Join(err, all.WriteSeveral(ones, r.stdout, r.console), ones.Table(r.progress, r.console))
	code := ones.ExitCode()
	switch {
	case err != nil && code == exitPass:
		return couldNot(explainDisk(err))
	case err != nil || code != exitPass:
		return exitError{code, err}
	}
	return nil
}

// ofIndex is what became of one contract, by its evidence, from which this podproof comes to the same verdicts.
func (r jobRun) ofIndex(ctx context.Context, j workload.InJob, i int, codes map[int]int, outs report.Outputs) (report.One, error) {
	name := r.names[i]
	j.Index = strconv.Itoa(i)
	one := report.One{Name: name}
	code, ended := codes[i]
	switch {
	case !ended:
		one.Error = "it did not run to its end; the log says why"
	case code > exitInconclusive:
		one.Error = fmt.Sprintf("podproof ended with exit code %d, which it never does by itself: 137 is a process that was killed, as for its memory or at the Job's deadline", code)
	case code == exitUsage:
		one.Error, one.Wrong = "its input is wrong; the log says how", true
	}
	if one.Error != "" {
		return one, nil
	}
	res, err := job.Fetch(ctx, r.client, j)
	switch {
	case err != nil:
	case res == nil:
		err = errors.New("it left no result; its log says why")
	case len(res.Evidence) == 0:
		err = fmt.Errorf("its result has no evidence: %s", res.LeftOut)
	}
	if err != nil {
		one.Error = err.Error()
		return one, err
	}
	rec, err := report.ReadRecord("the evidence of "+name, res.Evidence)
	if err != nil {
		one.Error = err.Error()
		return one, err
	}
	selected, err := check.Select(rec.Selected, nil)
	if err != nil {
		one.Error = err.Error()
		return one, err
	}
	out := report.New(rec.Contract, rec.Evidence, check.Judge(selected, rec.Contract, rec.Evidence)).At(rec.Home).Among(name)
	if out.ExitCode() == exitPass && code != exitPass {
		one.Error = fmt.Sprintf("podproof ended with exit code %d in the cluster, and this podproof judges its evidence otherwise: they are of different versions", code)
		return one, nil
	}
	f := r.judgeFlags
	f.evidence, f.waiversTo = report.FileOf(f.evidence, name), report.FileOf(f.waiversTo, name)
	err = f.keepEvidence(&out, rec, code != exitPass)
	one.Report, one.Seconds = &out, out.Run.Finished.Sub(out.Run.Started).Seconds()
	return one, errors.Join(err, outs.Write(out, r.stdout, r.console), f.writeWaivers(out))
}

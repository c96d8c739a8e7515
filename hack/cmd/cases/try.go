package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// seen is what podproof said of a case.
type seen struct {
	exit     int
	text     string            // both outputs
	verdicts map[string]string // by the check's ID; empty where there was no report
}

// try runs podproof on a case, in the case's own folder.
func (b bench) try(ctx context.Context, c one) (seen, error) {
	dir, err := os.MkdirTemp("", "podproof-case-")
	if err != nil {
		return seen{}, err
	}
	defer os.RemoveAll(dir)
	report := filepath.Join(dir, "report.json")
	from := filepath.Join(b.folder, c.group, c.name)
	args := []string{"verify", "-o", "terminal", "-o", "json=" + report, "--timeout", "6m"}
	switch {
	case c.group == "judge":
		from = filepath.Join(b.folder, c.group)
		args = []string{"judge", "-o", "terminal", "-o", "json=" + report, c.name + ".json"}
	case b.cluster != "" && c.group == "cluster":
		args = append(args, "--cluster", b.cluster)
	}
	for _, glob := range c.right.only {
		args = append(args, "--only", glob)
	}
	command := exec.CommandContext(ctx, b.podproof, args...)
	command.Dir = from
	// The shapes name their own images.
	command.Env = append(os.Environ(), "PODPROOF_SET_IMAGE=")
	var text bytes.Buffer
	command.Stdout, command.Stderr = &text, &text
	err = command.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return seen{}, fmt.Errorf("running podproof: %w", err)
	}
	got := seen{exit: command.ProcessState.ExitCode(), text: text.String(), verdicts: map[string]string{}}
	written, err := os.ReadFile(report)
	if errors.Is(err, os.ErrNotExist) {
		return got, nil
	}
	if err != nil {
		return got, err
	}
	var r struct {
		Verdicts []struct{ ID, Verdict string }
	}
	if err := json.Unmarshal(written, &r); err != nil {
		return got, fmt.Errorf("reading podproof's report: %w", err)
	}
	for _, v := range r.Verdicts {
		got.verdicts[v.ID] = v.Verdict
	}
	return got, nil
}

// faults are what is not right.
func (r right) faults(got seen) (faults []string) {
	if r.or != "" && regexp.MustCompile(r.or).MatchString(got.text) {
		return nil
	}
	for id, wanted := range r.verdicts {
		if is := got.verdicts[id]; !strings.Contains("|"+wanted+"|", "|"+is+"|") || is == "" {
			faults = append(faults, fmt.Sprintf("%s is %q, want %s", id, is, wanted))
		}
	}
	if r.verified {
		if got.verdicts["startup/ready"] != "pass" {
			faults = append(faults, fmt.Sprintf("startup/ready is %q: it was not verified", got.verdicts["startup/ready"]))
		}
		for id, is := range got.verdicts {
			if _, named := r.verdicts[id]; !named && (is == "fail" || is == "inconclusive") {
				faults = append(faults, fmt.Sprintf("%s is %s", id, is))
			}
		}
	}
	if len(r.exits) > 0 && !strings.Contains(r.exits, fmt.Sprint(got.exit)) {
		faults = append(faults, fmt.Sprintf("exit code %d, want one of %s", got.exit, r.exits))
	}
	for _, s := range r.says {
		if !regexp.MustCompile(s).MatchString(got.text) {
			faults = append(faults, fmt.Sprintf("it does not say %q", s))
		}
	}
	for _, s := range r.never {
		if m := regexp.MustCompile(s).FindString(got.text); m != "" {
			faults = append(faults, fmt.Sprintf("it says %q", m))
		}
	}
	if len(faults) > 0 {
		faults = append(faults, "it said: "+strings.Join(last(strings.Split(strings.TrimSpace(got.text), "\n"), 12), "\n        "))
	}
	return faults
}

func last(lines []string, n int) []string { return lines[max(0, len(lines)-n):] }

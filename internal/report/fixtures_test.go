package report

import (
	"testing"
	"time"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

const digest = "sha256:4f6a0c3d2b1e4f6a0c3d2b1e4f6a0c3d2b1e4f6a0c3d2b1e4f6a0c3d2b1e4f6a"

func observed() evidence.Evidence {
	started := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return evidence.Evidence{
		SchemaVersion: evidence.SchemaVersion,
		Run:           evidence.Run{ID: "k3x9", Version: "v0.1.0", Started: started, Finished: started.Add(41300 * time.Millisecond)},
		Image:         &evidence.Image{Ref: "reactbin-api-prod:latest", ID: digest, Architecture: "amd64"},
		Cluster:       &evidence.Cluster{Name: "podproof-k3x9", Provider: "kind", Kubernetes: "v1.34.0"},
		Steps: []evidence.Step{
			{Name: "Building reactbin-api-prod", Started: 0, Seconds: 12.25},
			{Name: "Creating the cluster", Started: 0.1, Seconds: 20, Error: "the node was slow"},
			{Name: "Loading the image", Started: 20.1, Seconds: 1.5, After: []string{"Building reactbin-api-prod", "Creating the cluster"}},
		},
	}
}

func promised() contract.Contract {
	return contract.Contract{APIVersion: contract.APIVersion, Kind: contract.Kind, Image: "reactbin-api-prod", Workload: "deployment/api"}
}

// allPass are the catalogue's promises, all kept.
func allPass() []check.Verdict {
	var out []check.Verdict
	for _, p := range []struct {
		story           check.Story
		id, title, line string
		seconds         float64
	}{
		{check.Reliable, "startup/ready", "pods become Ready in time", "Ready OK (4.2 s of 30 s)", 4.21},
		{check.Reliable, "startup/logs", "start-up lines are in the container's log", "Stdout logging OK", 0},
		{check.Reliable, "health/answers", "the health route answers 200", "Health check passed", 0.12},
		{check.Reliable, "probes/declared", "probes are declared and answer", "", 0},
		{check.Reliable, "termination/exit-zero", "SIGTERM ends the process with exit 0", "Graceful shutdown OK (exit 0)", 2.31},
		{check.Reliable, "config/missing-env-fails", "the process refuses to start without its settings", "Missing-env-var exit check OK", 3.4},
		{check.Minimal, "identity/non-root", "the process does not run as root", "Non-root user OK (UID 1001)", 0.2},
		{check.Minimal, "identity/as-declared", "the process is who its securityContext says", "Identity as declared", 0.2},
		{check.Minimal, "image/no-dev-dependencies", "development tooling stays out of the image", "Dev deps absent OK", 1.1},
		{check.Minimal, "image/no-secrets-in-history", "history and configuration hold no secret", "No secrets in image layers OK", 0},
		{check.Reproducible, "build/succeeds", "the image builds", "Build OK", 12.3},
		{check.Reproducible, "build/dependency-layer-cached", "a source change reuses the dependency layer", "Dep layer cache hit confirmed (US3 OK)", 105},
	} {
		out = append(out, check.Verdict{
			Check: check.Check{ID: p.id, Title: p.title, Story: p.story, Why: "Because " + p.id + " matters.", Fix: "Fix " + p.id + " so."},
			Judgement: check.Judgement{
				Status: check.Pass, Promised: "what is promised for " + p.id, Seen: "what was seen for " + p.id,
				Fix: "how " + p.id + " is fixed in general", Line: p.line, Seconds: p.seconds,
			},
		})
	}
	return out
}

// with changes the verdict of one check.
func with(t *testing.T, vs []check.Verdict, id string, change func(*check.Verdict)) {
	t.Helper()
	for i := range vs {
		if vs[i].Check.ID == id {
			change(&vs[i])
			return
		}
	}
	t.Fatalf("no verdict %s", id)
}

func broken(v *check.Verdict) {
	v.Status = check.Fail
	v.Promised = "exit 0 within 30 s of SIGTERM"
	v.Seen = "exit code 137 after 30.2 s: SIGKILL at the end of the grace period; PID 1 is `sh -c uvicorn app:app`, which does not forward SIGTERM"
	v.Fix = "Use the exec form of CMD: CMD [\"uvicorn\", \"app:app\"]"
	v.Seconds = 30.2
	v.Findings = []check.Finding{
		{Where: "pod api-7d9f, container api", Message: "state terminated, reason Error\nlast log line: \x1b[31mbye\x1b[0m"},
		{Where: "Dockerfile.prod", Message: "shell form on line 12", Note: true},
	}
	deleted := time.Date(2026, 3, 1, 12, 0, 20, 0, time.UTC)
	v.Timeline = []check.Moment{
		{At: deleted, Resolution: 1, Source: "kubelet", What: "event Killing: Stopping container api"},
		{At: deleted.Add(12 * time.Millisecond), Seconds: 0.012, Resolution: 0.01, Source: "watch", What: "deletion requested"},
		{At: deleted.Add(30200 * time.Millisecond), Seconds: 30.2, Resolution: 0.1, Source: "node", What: "container api: its processes are gone"},
	}
}

func undecided(v *check.Verdict) {
	v.Status = check.Inconclusive
	v.Seen = "the cluster did not start: no space left on device"
	v.Fix = "Fix the cause named above, then run podproof again."
}

func waived(v *check.Verdict) {
	v.Status = check.Waived
	v.Seen = "pytest 8.1 is in layer 3"
	v.Waiver = &contract.Waiver{ID: v.Check.ID, Reason: "removed with the next base image", By: "ops", Until: "2026-12-31"}
}

func skipped(v *check.Verdict) {
	v.Status = check.Skipped
	v.Seen = "not selected for this run"
}

// cases are the kinds of results that every renderer must cope with.
func cases(t *testing.T) map[string]Report {
	t.Helper()
	out := map[string]Report{}
	add := func(name, evidenceFile string, change func(vs []check.Verdict)) {
		vs := allPass()
		change(vs)
		r := New(promised(), observed(), vs)
		r.Evidence = evidenceFile
		out[name] = r
	}
	add("pass", "", func(vs []check.Verdict) {
		with(t, vs, "startup/logs", func(v *check.Verdict) {
			v.Findings = []check.Finding{
				{Where: "pod api-7d9f", Message: "the lines came on stderr", Note: true},
				{Where: "pod api-7d9f", Message: "12 lines were read", Note: true, Detail: true},
			}
		})
	})
	add("fail", "run.json", func(vs []check.Verdict) { with(t, vs, "termination/exit-zero", broken) })
	add("fail-twice", "", func(vs []check.Verdict) {
		with(t, vs, "termination/exit-zero", broken)
		with(t, vs, "image/no-secrets-in-history", func(v *check.Verdict) {
			v.Status, v.Seen = check.Fail, "12 values in the history"
			for range 12 {
				v.Findings = append(v.Findings, check.Finding{Where: "history 3", Message: "ENV DB_PASSWORD=***"})
			}
		})
		with(t, vs, "build/dependency-layer-cached", undecided)
	})
	add("inconclusive", "run.json", func(vs []check.Verdict) {
		for _, id := range []string{"startup/ready", "startup/logs", "health/answers", "probes/declared", "termination/exit-zero", "config/missing-env-fails", "identity/non-root"} {
			with(t, vs, id, undecided)
		}
		with(t, vs, "identity/as-declared", func(v *check.Verdict) {
			v.Status, v.Seen, v.Fix = check.Inconclusive, "the process ended before it was looked at", "Run podproof again."
		})
	})
	add("waived", "", func(vs []check.Verdict) { with(t, vs, "image/no-dev-dependencies", waived) })
	add("skipped", "", func(vs []check.Verdict) {
		for _, v := range vs {
			if v.Check.Story == check.Minimal {
				with(t, vs, v.Check.ID, skipped)
			}
		}
	})
	add("not-asked-for", "", func(vs []check.Verdict) {
		with(t, vs, "build/dependency-layer-cached", func(v *check.Verdict) {
			skipped(v)
			v.Seen, v.Check.OptIn = "the contract does not promise it", "build.a"
		})
	})
	add("waived-and-skipped", "", func(vs []check.Verdict) {
		with(t, vs, "image/no-dev-dependencies", waived)
		with(t, vs, "build/succeeds", skipped)
	})
	out["stopped"] = func() Report {
		vs, e := allPass(), observed()
		e.Run.CutOff = "--timeout of 7m0s"
		with(t, vs, "identity/non-root", func(v *check.Verdict) {
			v.Status, v.Seen, v.Fix = check.Fail, "PID 1 has UID 0", "Name a USER; see image/user-non-root."
		})
		with(t, vs, "image/no-secrets-in-history", func(v *check.Verdict) {
			v.Status, v.Seen, v.Fix = check.Fail, "a key", "Mount it; identity/non-root is of no help."
		})
		with(t, vs, "termination/exit-zero", func(v *check.Verdict) {
			v.Status, v.Seen, v.Fix = check.Inconclusive, "stopped while it was tried: --timeout of 7m0s; last seen: api-7d9f: Running", "Give the run more time (--timeout)."
		})
		with(t, vs, "image/no-dev-dependencies", func(v *check.Verdict) { waived(v); v.Undecided = true })
		for _, id := range []string{"config/missing-env-fails", "probes/declared"} {
			with(t, vs, id, func(v *check.Verdict) {
				v.Status, v.Seen, v.Fix = check.Inconclusive, "stopped before it was tried: --timeout of 7m0s", "Give the run more time (--timeout)."
			})
		}
		return New(promised(), e, vs)
	}()
	out["nothing-built"] = func() Report {
		vs := allPass()
		for i := range vs {
			vs[i].Status, vs[i].Line = check.Inconclusive, ""
			vs[i].Seen, vs[i].Fix, vs[i].Seconds = "the image was not built", "Fix the cause named above, then run podproof again.", 0
		}
		with(t, vs, "build/succeeds", func(v *check.Verdict) {
			v.Status, v.Seen, v.Fix = check.Fail, "there is no api/Dockerfile.prod", "Restore it, or name another with build.dockerfile."
		})
		return New(promised(), evidence.Evidence{SchemaVersion: evidence.SchemaVersion}, vs)
	}()
	for name, r := range out {
		out[name] = inRoot(r)
	}
	return out
}

// inRoot has the contract lie in the root of its repository, and not where this test does.
func inRoot(r Report) Report {
	r.home = Home{Folder: ".", File: contract.DefaultFile}
	return r
}

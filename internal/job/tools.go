package job

import (
	"fmt"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Tool is a deploy tool that can call podproof before it deploys.
type Tool struct {
	Name string
	// About are the lines of a comment: where what is printed goes, and what a person should know.
	About []string
	text  func(Spec) (string, error)
}

// Tools are all of them, by the words of --for.
func Tools() []Tool {
	return []Tool{argoCD, helm, tekton, rollouts, gitHub, gitLab}
}

// Names are those of Tools.
func Names() (out []string) {
	for _, t := range Tools() {
		out = append(out, t.Name)
	}
	return out
}

// For is what a tool takes, without About.
func For(tool string, s Spec) (t Tool, text string, err error) {
	for _, t := range Tools() {
		if t.Name == tool {
			text, err = t.text(s)
			return t, text, err
		}
	}
	return t, "", fmt.Errorf("--for %s: there is no such tool here; there are %s", tool, strings.Join(Names(), ", "))
}

// argoCD syncs nothing of an application before its PreSync hooks have succeeded
// (https://argo-cd.readthedocs.io, user guide, "Sync Phases and Waves"). What the Job needs is not there
// before the application's own objects are, so that it is a hook, too.
var argoCD = Tool{Name: "argocd",
	About: []string{"Put it among the manifests of the Argo CD application: it runs before they are applied.",
		"A hook is left out of a sync of selected resources, so that it is a convenience and no gate."},
	text: func(s Spec) (string, error) {
		return annotated(s.Objects(), func(isJob bool) map[string]string {
			out := map[string]string{"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
			if !isJob {
				out["argocd.argoproj.io/sync-wave"] = "-1"
			}
			return out
		})
	}}

// helm waits for the Jobs among a release's hooks, and installs nothing where one fails
// (https://helm.sh/docs/topics/charts_hooks). Its log is shown then (hook-output-log-policy).
var helm = Tool{Name: "helm",
	About: []string{"Put it into the templates of the chart: it runs before each install and upgrade, which fails where it does.",
		"Helm waits for --timeout, which is 5 minutes, unless it is told: a run mostly takes longer."},
	text: func(s Spec) (string, error) {
		text, err := annotated(s.Objects(), func(isJob bool) map[string]string {
			out := map[string]string{"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": "before-hook-creation", "helm.sh/hook-weight": "-1"}
			if isJob {
				out["helm.sh/hook-weight"], out["helm.sh/hook-output-log-policy"] = "0", "hook-failed"
			}
			return out
		})
		// What looks like a template of Helm's is text of the contract's.
		return strings.ReplaceAll(text, "{{", `{{ "{{" }}`), err
	}}

// annotated are the objects with the annotations of a tool that removes the Job itself: one that is gone
// before it looks keeps it waiting (argo-cd #21055).
func annotated(o Objects, with func(isJob bool) map[string]string) (string, error) {
	o.Job.Spec.TTLSecondsAfterFinished = nil
	var all []runtime.Object
	for _, x := range o.All() {
		_, isJob := x.(*batchv1.Job)
		x.SetAnnotations(with(isJob))
		all = append(all, x)
	}
	return YAML(all...)
}

// needs are the objects but for the Job.
func needs(o Objects) (out []runtime.Object) {
	for _, x := range o.All() {
		if _, isJob := x.(*batchv1.Job); !isJob {
			out = append(out, x)
		}
	}
	return out
}

// gitHub and gitLab run the Job from a runner that has a kubeconfig for the namespace.
var gitHub = Tool{Name: "github",
	About: []string{"A workflow of GitHub Actions (.github/workflows/podproof.yaml). The secret KUBECONFIG is one of a",
		"service account that may do anything in the namespace, and nothing else."},
	text: func(s Spec) (string, error) {
		return fmt.Sprintf(`name: podproof
on:
  pull_request:
  push: {branches: [main]}

permissions:
  contents: read

jobs:
  podproof:
    runs-on: ubuntu-latest
    timeout-minutes: %d
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-go@v5
        with: {go-version: stable}
      - run: go install podproof.dev/podproof/cmd/podproof@%s
      - name: Verify inside the cluster
        env:
          KUBECONFIG_TEXT: ${{ secrets.KUBECONFIG }}
        run: |
          export KUBECONFIG="$RUNNER_TEMP/kubeconfig"
          (umask 077; printf '%%s' "$KUBECONFIG_TEXT" >"$KUBECONFIG")
          %s
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: podproof
          path: podproof-*
          if-no-files-found: ignore
`, s.minutes(), s.version(), s.command()), nil
	}}

var gitLab = Tool{Name: "gitlab",
	About: []string{"A job of GitLab CI (.gitlab-ci.yml). KUBECONFIG is a CI/CD variable of the type file, with that of a",
		"service account that may do anything in the namespace, and nothing else."},
	text: func(s Spec) (string, error) {
		return fmt.Sprintf(`podproof:
  stage: test
  image: golang:1
  timeout: %d minutes
  script:
    - go install podproof.dev/podproof/cmd/podproof@%s
    - |
      %s
  artifacts:
    when: always
    paths: [podproof-report.json, podproof-evidence.json, podproof-junit.xml]
    reports:
      junit: podproof-junit.xml
`, s.minutes(), s.version(), s.command()), nil
	}}

// minutes are how long a CI may wait: for both tries, and for the removal of the Job.
func (s Spec) minutes() int { return int((2*(s.Timeout+overhead) + overhead).Minutes()) }

func (s Spec) version() string {
	if s.Version == "" {
		return "latest"
	}
	return s.Version
}

// command runs the Job, and has its reports written to files.
func (s Spec) command() string {
	return s.Command + " --run -o terminal -o json=podproof-report.json -o junit=podproof-junit.xml --evidence podproof-evidence.json"
}

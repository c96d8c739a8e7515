package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/subject"
	"podproof.dev/podproof/internal/workload"
)

type jobFlags struct {
	judgeFlags
	manyFlags
	name, namespace, podproof string
	setImages, pullSecrets    []string
	shared, open              bool
	timeout, patience         time.Duration
	cluster, kubeconfig       string
	run                       bool
	tool                      string
}

func newJob() *cobra.Command {
	var f jobFlags
	c := &cobra.Command{
		Use:   "job [flags] [IMAGE]",
		Short: "Print a Job that verifies an image inside a cluster, or run it",
		Long: `job prints the Job that runs ` + "`podproof verify`" + ` in a namespace of a cluster, with all that it
needs: a ServiceAccount, a Role with the rights of the selection (` + "`podproof rbac`" + `), a RoleBinding, and
a ConfigMap with the contract and its manifests. What is a Secret among these is in a Secret.
` + "`kubectl apply --server-side -f -`" + ` takes it. It asks no cluster.

The Job fails at once for a broken promise (exit code 1) and for wrong input (2), and tries once more
what could not be checked (3). It leaves a ConfigMap podproof-RUN-result with the report, a summary and
the evidence, its pod a termination message, and itself the annotation podproof.dev/result. All that a
run makes belongs to the Job, and goes with it.

With --run podproof applies it to the cluster of the kubeconfig, shows its log line by line, writes the
reports and the evidence that are asked for here, removes the Job and all that belongs to it, and
exits with its code. Ctrl-C removes it, too. What is there of a name that the Job needs is an error, and
nothing is applied then.

With several -f it is an Indexed Job, with an index, a result and a second try for each contract; they are
verified one after the other, as the objects of two would have the same names in the namespace.

The namespace must be there, and empty: create pods in it is each of its Secrets.`,
		Example: `  podproof job -n proof registry.example/shop/api:1.4.2 | kubectl apply --server-side -f -
  kubectl wait -n proof --for=condition=complete --timeout=30m job/podproof

  # as if it ran here
  podproof job --run -n proof -o terminal -o junit=junit.xml registry.example/shop/api:1.4.2`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			spec, err := f.spec(strings.Join(args, ""))
			if err != nil {
				return usage(err)
			}
			if f.run {
				return f.follow(c.Context(), spec)
			}
			spec.Command = f.command(c)
			text, err := f.print(spec)
			if err != nil {
				return usage(err)
			}
			if _, err := fmt.Fprint(c.OutOrStdout(), text); err != nil {
				return couldNot(explainDisk(err))
			}
			return nil
		},
	}
	fl := c.Flags()
	f.add(c, check.Catalogue())
	fl.StringArrayVarP(&f.files, "file", "f", []string{contract.DefaultFile}, "read the contract from this `FILE`; given several times, each is an index of the Job")
	fl.IntVar(&f.parallel, "parallel", 1, "verify `N` of several contracts at once: 1, as they are in one namespace")
	f.addManifests(c)
	fl.StringVarP(&f.namespace, "namespace", "n", "podproof", "the Job's `NAMESPACE`, which is there")
	fl.StringVar(&f.name, "name", "podproof", "the `NAME` of the Job and of what it needs")
	fl.StringVar(&f.podproof, "image", os.Getenv("PODPROOF_AGENT_IMAGE"), "podproof's own `IMAGE`, as the nodes pull it; `podproof agent push` makes one (default: the one published with this version; from PODPROOF_AGENT_IMAGE)")
	fl.StringSliceVar(&f.pullSecrets, "pull-secret", nil, "pull with this `SECRET` of the namespace (default: those of the workload's imagePullSecrets)")
	fl.StringSliceVar(&f.setImages, "set-image", nil, "`OLD=NEW` runs the image NEW where the manifests say OLD")
	fl.BoolVar(&f.shared, "shared-namespace", false, "use --namespace although pods of others run there")
	fl.BoolVar(&f.open, "open-network", false, "let the run's pods talk to each other where network policies of --namespace deny it, by a policy of podproof's own")
	fl.DurationVar(&f.timeout, "timeout", 10*time.Minute, "stop each try after this `DURATION`, such as 10m or 600s")
	addPatience(fl, &f.patience)
	fl.StringVar(&f.tool, "for", "", "print it as this `TOOL` takes it: "+strings.Join(job.Names(), ", "))
	complete(c, "for", job.Names())
	fl.BoolVar(&f.run, "run", false, "run it in the cluster, and show what it says")
	fl.StringVar(&f.cluster, "cluster", "current", "with --run: the `CLUSTER` of the kubeconfig, current or context:NAME")
	fl.StringVar(&f.kubeconfig, "kubeconfig", "", "with --run: look for the cluster in this `FILE` (default: where kubectl looks)")
	return c
}

// spec says what the Job is.
func (f *jobFlags) spec(image string) (s job.Spec, err error) {
	s = job.Spec{Name: f.name, Namespace: f.namespace, Podproof: cmp.Or(f.podproof, published()), Timeout: f.timeout, PullSecrets: f.pullSecrets}
	if err := f.check(); err != nil {
		return s, err
	}
	if s.Podproof == "" {
		return s, errors.New("the nodes pull podproof's own image, and this build of podproof is published nowhere: push it to a registry that they reach with `podproof agent push REF`, and give --image REF (or PODPROOF_AGENT_IMAGE)")
	}
	if len(f.files) > 1 {
		return f.several(s, image)
	}
	if len(f.files) == 1 {
		f.file = f.files[0]
	}
	if err := f.with(&s, image); err != nil {
		return s, err
	}
	s.Rules = append(s.Rules, job.RightsFor(f.tool, f.name)...)
	s.Flags, err = f.passed()
	return s, err
}

// with adds what one contract needs to a Job that verifies it.
func (f *jobFlags) with(s *job.Spec, image string) error {
	c, err := f.promised(image)
	if err != nil {
		return err
	}
	if s.Image = image; image == "" {
		switch s.Image = c.Image; {
		case (c.Build != nil || c.Image == "") && len(f.files) > 1:
			return errors.New("have the contract name its image in a registry that the cluster's nodes reach, best with its digest, and leave out `build`: a Job builds none")
		case c.Build != nil || c.Image == "":
			return errors.New("give IMAGE by its name in a registry that the cluster's nodes reach, best with its digest: a Job builds none")
		}
	}
	selected, err := f.chosen(f.only)
	if err != nil {
		return err
	}
	rules, _, err := pipeline.Rights(pipeline.RightsOptions{Contract: c, Image: s.Image, Selected: selected, Namespace: f.namespace, OpenNetwork: f.open})
	if err != nil {
		return err
	}
	s.Rules = append(s.Rules, rules...)
	objects, err := workload.Read(workload.PathsOf(c))
	if err != nil {
		return err
	}
	if s.Files, err = job.Pack(f.file, c, objects); err != nil {
		return err
	}
	if len(s.PullSecrets) == 0 {
		s.PullSecrets, err = pullSecrets(c, s.Image, f.namespace)
	}
	return err
}

// check says what is wrong with the flags alone.
func (f *jobFlags) check() error {
	if wrong := validation.IsDNS1123Label(f.namespace); len(wrong) > 0 {
		return fmt.Errorf("--namespace %s: it is no name of a namespace: %s", f.namespace, strings.Join(wrong, "; "))
	}
	if strings.HasPrefix(f.namespace, "kube-") {
		return fmt.Errorf("--namespace %s is one of Kubernetes' own: take one for podproof alone", f.namespace)
	}
	if wrong := validation.IsDNS1123Label(f.name); len(wrong) > 0 {
		return fmt.Errorf("--name %s: it is no name of a Job: %s", f.name, strings.Join(wrong, "; "))
	}
	if f.timeout <= 0 {
		return fmt.Errorf("--timeout %s: give a time above zero, such as 10m", f.timeout)
	}
	if err := checkPatience(f.patience); err != nil {
		return err
	}
	if f.parallel != 1 {
		return fmt.Errorf("--parallel %d: in one namespace contracts are verified one after the other, as their objects have the same names: leave it out, or print a Job for each namespace", f.parallel)
	}
	if f.run && f.tool != "" {
		return errors.New("--for prints, and --run runs: give one of them")
	}
	for _, name := range []string{"output", "evidence", "write-waivers", "until", "by", "kubeconfig", "cluster"} {
		if !f.run && f.given.Changed(name) {
			return fmt.Errorf("--%s is for --run: what is printed leaves the report and the evidence in a ConfigMap of the cluster", name)
		}
	}
	return nil
}

// pullSecrets are those that the workload under test names.
func pullSecrets(c contract.Contract, image, namespace string) ([]string, error) {
	s, err := subject.Read(c, subject.Options{Image: image, Namespace: namespace})
	if err != nil {
		return nil, err
	}
	secrets, _ := workload.PullsAs(s.Objects, s.Workload.Template.Spec)
	var out []string
	for _, r := range secrets {
		out = append(out, r.Name)
	}
	return out, nil
}

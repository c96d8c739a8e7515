package main

import (
	"fmt"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/check"
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/job"
	"podproof.dev/podproof/internal/pipeline"
	"podproof.dev/podproof/internal/report"
	"podproof.dev/podproof/internal/rights"
	"podproof.dev/podproof/internal/workload"
)

type rbacFlags struct {
	judgeFlags
	namespace, serviceAccount, job string
	open                           bool
}

func newRBAC() *cobra.Command {
	var f rbacFlags
	c := &cobra.Command{
		Use:   "rbac [flags] [IMAGE]",
		Short: "Print the roles that a run needs in a cluster that podproof did not make",
		Long: `rbac prints the least roles with which ` + "`podproof verify`" + ` tries a selection of checks in a
cluster that is there, as ` + "`kubectl apply -f -`" + ` takes them. They depend on the contract and its
manifests: who may apply no ConfigMap needs no right for one. It asks no cluster.

A run makes namespaces of its own, so that the role is a ClusterRole; with -n it is a Role in a
namespace that is there, beside a ClusterRole for what belongs to the whole cluster: a run does
without that, and says what it does not know then.

podproof lists no Secrets, and reads none but those that a container takes whole and no manifest
holds, each by its name. A Role of the manifests can only be made by who has what it gives, so
that the printed one has that, too. Who may create pods in a namespace can have all of its Secrets mounted,
and run as each of its service accounts: let it hold nothing else.`,
		Example: `  # for a service account of the namespace ci
  podproof rbac --service-account ci/podproof | kubectl apply -f -

  # for a few checks, in a namespace that is there
  podproof rbac --only 'termination/*,health/*' -n shop-verify --service-account ci/podproof`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			text, err := f.roles(strings.Join(args, ""))
			if err != nil {
				return usage(err)
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			if err != nil {
				return couldNot(explainDisk(err))
			}
			return nil
		},
	}
	fl := c.Flags()
	f.addSelection(c, check.Catalogue())
	f.command = c.Name()
	f.addContract(c)
	fl.StringVarP(&f.namespace, "namespace", "n", "", "the run's `NAMESPACE`, which is there (default: the run makes its own)")
	fl.BoolVar(&f.open, "open-network", false, "for a run with --open-network, which makes a network policy")
	fl.StringVar(&f.job, "job", "", "for a run in the Job of this `NAME`, which tells its result")
	fl.StringVar(&f.serviceAccount, "service-account", "", "bind the roles to this service account, `NAMESPACE/NAME`")
	return c
}

// roles are what is printed.
func (f *rbacFlags) roles(image string) (string, error) {
	selected, err := f.chosen(f.only)
	if err != nil {
		return "", err
	}
	if wrong := validation.IsDNS1123Label(f.namespace); f.namespace != "" && len(wrong) > 0 {
		return "", fmt.Errorf("--namespace %s: it is no name of a namespace: %s", f.namespace, strings.Join(wrong, "; "))
	}
	g := rights.Grant{Name: "podproof", Namespace: f.namespace}
	if g.To, err = f.account(); err != nil {
		return "", err
	}
	o := pipeline.RightsOptions{Image: image, Selected: selected, Namespace: f.namespace, OpenNetwork: f.open}
	if o.Contract, err = f.promised(image); err != nil {
		return "", err
	}
	rules, refused, err := pipeline.Rights(o)
	if err != nil {
		return "", err
	}
	if f.job != "" {
		rules = rights.Union(rules, job.Rights(f.job))
	}
	if len(rules) == 0 {
		return "# The selected checks need no cluster, and so no rights in one.\n", nil
	}
	with := f.file
	if !o.Contract.Written() {
		with = "the manifests " + strings.Join(o.Contract.Manifests, ", ")
	}
	g.Note = []string{"What podproof may do, in a run with " + report.Clean(with) + " in a cluster that it did not make."}
	if g.To == nil {
		g.Note = append(g.Note, "Nobody is bound to it yet: --service-account NAMESPACE/NAME binds a service account.")
	}
	for _, r := range refused {
		g.Note = append(g.Note, "Not for "+report.Clean(r)+": what belongs to the whole cluster, podproof does not make there, and it must be there already.")
	}
	return g.YAML(rules), nil
}

// account is who the roles are bound to.
func (f *rbacFlags) account() (*rbacv1.Subject, error) {
	if f.serviceAccount == "" {
		return nil, nil
	}
	namespace, name, _ := strings.Cut(f.serviceAccount, "/")
	if len(validation.IsDNS1123Label(namespace)) > 0 || len(validation.IsDNS1123Subdomain(name)) > 0 {
		return nil, fmt.Errorf("--service-account %s: write it as NAMESPACE/NAME, such as ci/podproof", f.serviceAccount)
	}
	return rights.ServiceAccount(namespace, name), nil
}

// rbacCommand prints the roles for the selection of a run. Of one in a Job the contract is elsewhere than
// whoever reads it has it.
func (f *verifyFlags) rbacCommand(image string, in *workload.InJob) string {
	words := []string{"podproof", "rbac"}
	if in != nil {
		words = append(words, "--job", word(in.Name))
	} else if f.file != contract.DefaultFile {
		words = append(words, "-f", word(f.file))
	}
	for _, m := range f.manifests {
		words = append(words, "-m", word(m))
	}
	if len(f.only) > 0 {
		words = append(words, "--only", word(strings.Join(f.only, ",")))
	}
	if len(f.skip) > 0 {
		words = append(words, "--skip", word(strings.Join(f.skip, ",")))
	}
	if f.where.namespace != "" {
		words = append(words, "-n", word(f.where.namespace))
	}
	if f.where.open {
		words = append(words, "--open-network")
	}
	if image != "" {
		words = append(words, word(image))
	}
	return strings.Join(words, " ")
}

// word is a text as a shell takes it for one word.
func word(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-", r)
	}) && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

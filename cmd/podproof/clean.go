package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/pipeline"
)

func newClean() *cobra.Command {
	var where clusterFlags
	c := &cobra.Command{
		Use:   "clean [RUN…]",
		Short: "Remove what --keep kept, and what killed runs left behind; of some runs, or of all",
		Long: `clean removes what runs of this machine kept or left behind: kind clusters, warm ones among them, namespaces and
objects in clusters of the kubeconfig, images. Without a RUN it also removes the records by which
verify --max-age answers.

With --cluster current or context:NAME it looks into that cluster, in --namespace or for
namespaces of podproof's own, and removes what runs left there from any machine: those that
are over for certain, or the RUN that is named.`,
	}
	where.addWhere(c)
	c.RunE = func(c *cobra.Command, only []string) error {
		note := func(text string) { fmt.Fprintln(c.OutOrStdout(), text) }
		if c.Flags().Changed("cluster") {
			return cleanCluster(c, where, only, note)
		}
		runs, err := runsDir()
		if err != nil {
			return couldNot(err)
		}
		if len(only) == 0 {
			if err := forgetPassed(note); err != nil {
				return couldNot(err)
			}
		}
		engine, err := docker.Connect(c.Context())
		if err == nil {
			defer engine.Close()
		} else { // runs in clusters of a kubeconfig need none
			fmt.Fprintln(c.ErrOrStderr(), "What runs left on a Docker engine stays: "+err.Error())
			engine = nil
		}
		if err := pipeline.Clean(c.Context(), runs, engine, providers(""), only, note); err != nil {
			return couldNot(err)
		}
		return nil
	}
	return c
}

// forgetPassed removes the records by which --max-age answers.
func forgetPassed(note func(string)) error {
	s, err := passedRuns()
	if err != nil {
		return err
	}
	n, err := s.Clean()
	if n > 0 && err == nil {
		note(fmt.Sprintf("Removed the records by which --max-age answers: %d", n))
	}
	return err
}

// cleanCluster cleans one of the kubeconfig's.
func cleanCluster(c *cobra.Command, where clusterFlags, only []string, note func(string)) error {
	o := pipeline.Options{Providers: providers("")}
	err := where.into(&o)
	if err == nil && o.Provider == "kind" {
		err = errors.New("--cluster is for clusters of the kubeconfig: current or context:NAME; without it, podproof removes what runs of this machine left in kind clusters")
	}
	if err != nil {
		return usage(err)
	}
	if o.Runs, err = runsDir(); err != nil {
		return couldNot(err)
	}
	err = pipeline.CleanCluster(c.Context(), o, only, note)
	switch {
	case errors.As(err, new(*pipeline.InputError)):
		return usage(err)
	case err != nil:
		return couldNot(err)
	}
	return nil
}

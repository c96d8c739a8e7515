package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/pipeline"
)

func newClean() *cobra.Command {
	return &cobra.Command{
		Use:   "clean [RUN…]",
		Short: "Remove what --keep kept, and what killed runs left behind; of some runs, or of all",
		RunE: func(c *cobra.Command, only []string) error {
			runs, err := runsDir()
			if err != nil {
				return couldNot(err)
			}
			engine, err := docker.Connect(c.Context())
			if err == nil {
				defer engine.Close()
			} else { // runs in clusters of a kubeconfig need none
				fmt.Fprintln(c.ErrOrStderr(), "What runs left on a Docker engine stays: "+err.Error())
				engine = nil
			}
			err = pipeline.Clean(c.Context(), runs, engine, providers(""), only, func(text string) { fmt.Fprintln(c.OutOrStdout(), text) })
			if err != nil {
				return couldNot(err)
			}
			return nil
		},
	}
}

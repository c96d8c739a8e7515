package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/cluster/kind"
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
			if err != nil {
				return couldNot(err)
			}
			defer engine.Close()
			err = pipeline.Clean(c.Context(), runs, engine, kind.Provider{}, only, func(text string) { fmt.Fprintln(c.OutOrStdout(), text) })
			if err != nil {
				return couldNot(err)
			}
			return nil
		},
	}
}

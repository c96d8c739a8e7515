package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/docker"
	"podproof.dev/podproof/internal/pipeline"
)

func newClean() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Remove what --keep kept, and what killed runs left behind",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			runs, err := runsDir()
			if err != nil {
				return couldNot(err)
			}
			engine, err := docker.Connect(c.Context())
			if err != nil {
				return couldNot(err)
			}
			defer engine.Close()
			err = pipeline.Sweep(c.Context(), runs, engine, true, func(text string) { fmt.Fprintln(c.OutOrStdout(), text) })
			if err != nil {
				return couldNot(err)
			}
			return nil
		},
	}
}

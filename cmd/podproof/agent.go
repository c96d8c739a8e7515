package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/agent"
)

// newAgent is the part that runs inside the cluster. It is hidden: podproof calls it itself.
func newAgent() *cobra.Command {
	c := &cobra.Command{Use: "agent", Short: "The part of podproof that runs inside the cluster", Hidden: true}
	c.AddCommand(
		&cobra.Command{Use: "idle", Short: "Run until SIGTERM", Args: cobra.NoArgs,
			Run: func(c *cobra.Command, _ []string) { <-c.Context().Done() }},
		&cobra.Command{Use: "load", Short: "Read a plan from the input and send its requests", Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				if err := agent.Serve(c.Context(), os.Stdin, os.Stdout); err != nil {
					return couldNot(fmt.Errorf("agent load: %w", err))
				}
				return nil
			}},
	)
	return c
}

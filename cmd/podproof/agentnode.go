package main

import (
	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/agent/node"
)

// newAgentNode is what podproof asks of a node of the cluster, on that node.
func newAgentNode() *cobra.Command {
	c := &cobra.Command{Use: "node", Short: "Look at containers on the node where this runs, and disturb them", Args: cobra.NoArgs,
		// Without it, the help would be the output of a command that there is not.
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, op := range node.Ops() {
		c.AddCommand(&cobra.Command{
			Use: op.Usage(), Short: op.Does, Long: op.Does + ". It prints:\n" + op.Prints,
			DisableFlagParsing: true, // an argument may begin with "-"
			Args:               func(_ *cobra.Command, args []string) error { return op.Accept(args) },
			RunE: func(c *cobra.Command, args []string) error {
				if err := op.Run(c.Context(), node.Local(), args, c.InOrStdin(), c.OutOrStdout()); err != nil {
					return couldNot(err)
				}
				return nil
			},
		})
	}
	return c
}

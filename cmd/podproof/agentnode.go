package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/agent/node"
)

// newAgentNode is what podproof asks of a node of the cluster, on that node.
func newAgentNode() *cobra.Command {
	c := withOps(&cobra.Command{Use: "node", Short: "Look at containers on the node where this runs, and disturb them"}, node.Local(), node.Ops())
	c.AddCommand(&cobra.Command{Use: "serve", Short: "Do so for each line of the input, until it ends", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := node.Serve(c.Context(), node.Local(), c.InOrStdin(), c.OutOrStdout()); err != nil {
				return couldNot(fmt.Errorf("agent node serve: %w", err))
			}
			return nil
		}})
	return c
}

// newAgentLook is what it asks in a container beside the one that it looks at.
func newAgentLook() *cobra.Command {
	return withOps(&cobra.Command{Use: "look", Short: "Look at a container from one beside it, which shares its PID namespace"}, node.Neighbour(), node.LookOps())
}

func withOps(c *cobra.Command, host node.Host, ops []node.Op) *cobra.Command {
	// Without it, the help would be the output of a command that there is not.
	c.Args, c.RunE = cobra.NoArgs, func(c *cobra.Command, _ []string) error { return c.Help() }
	for _, op := range ops {
		c.AddCommand(&cobra.Command{
			Use: op.Usage(), Short: op.Does, Long: op.Does + ". It prints:\n" + op.Prints,
			DisableFlagParsing: true, // an argument may begin with "-"
			Args:               func(_ *cobra.Command, args []string) error { return op.Accept(args) },
			RunE: func(c *cobra.Command, args []string) error {
				if err := op.Run(c.Context(), host, args, c.InOrStdin(), c.OutOrStdout()); err != nil {
					return couldNot(err)
				}
				return nil
			},
		})
	}
	return c
}

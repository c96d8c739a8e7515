package main

import (
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/agent"
)

// newAgent is the part that runs inside the cluster. It is hidden: podproof calls it itself.
func newAgent() *cobra.Command {
	c := &cobra.Command{Use: "agent", Short: "The part of podproof that runs inside the cluster", Hidden: true}
	c.AddCommand(
		&cobra.Command{Use: "serve", Short: "Carry out plans until SIGTERM", Args: asUsed,
			RunE: func(c *cobra.Command, _ []string) error {
				l, err := net.Listen("unix", agent.Socket)
				if err == nil {
					err = agent.Serve(c.Context(), l)
				}
				if err != nil {
					return couldNot(fmt.Errorf("agent serve: %w", err))
				}
				return nil
			}},
		&cobra.Command{Use: "attach", Short: "Connect input and output with the agent that serves", Args: asUsed,
			RunE: func(c *cobra.Command, _ []string) error {
				if err := agent.Attach(c.Context(), agent.Socket, os.Stdin, os.Stdout); err != nil {
					return couldNot(fmt.Errorf("agent attach: %w", err))
				}
				return nil
			}},
		newAgentNode(),
	)
	return c
}

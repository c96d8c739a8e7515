package main

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/agent"
	"podproof.dev/podproof/internal/pipeline"
)

// newAgent is the part that runs inside the cluster. What podproof calls itself is hidden.
func newAgent() *cobra.Command {
	c := &cobra.Command{Use: "agent", Short: "The part of podproof that runs inside the cluster"}
	c.AddCommand(
		newAgentPush(),
		&cobra.Command{Use: "serve", Short: "Carry out plans until SIGTERM", Args: asUsed, Hidden: true,
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
		&cobra.Command{Use: "attach", Short: "Connect input and output with the agent that serves", Args: asUsed, Hidden: true,
			RunE: func(c *cobra.Command, _ []string) error {
				if err := agent.Attach(c.Context(), agent.Socket, os.Stdin, os.Stdout); err != nil {
					return couldNot(fmt.Errorf("agent attach: %w", err))
				}
				return nil
			}},
		newAgentSweep(), newAgentNode(), newAgentLook(), newAgentProxy(), newAgentFault(),
	)
	return c
}

// newAgentPush puts podproof's own image where a cluster's nodes can pull it.
func newAgentPush() *cobra.Command {
	return &cobra.Command{
		Use:   "push REF",
		Short: "Push podproof's own image to a registry, for --agent-image and podproof job",
		Long: `push makes an image of this podproof and nothing else, and pushes it to REF with the
credentials that docker login keeps, or writes it as an OCI layout where REF is oci:FOLDER. It is
the verifier of ` + "`podproof job`" + `, the agent and the proxy. For nodes of another architecture it takes
the podproof that lies beside this one as podproof-linux-ARCH, and makes an index of both. The same
programs make the same digest. Docker is not needed.`,
		Example: `  podproof agent push registry.example/tools/podproof:v1
  podproof verify --cluster current --agent-image registry.example/tools/podproof:v1 …
  podproof agent push oci:podproof-image`,
		Args: asUsed,
		RunE: func(c *cobra.Command, args []string) error {
			pushed, err := pipeline.PushImage(c.Context(), args[0], version())
			if errors.As(err, new(*pipeline.InputError)) {
				return usage(err)
			}
			if err != nil {
				return couldNot(err)
			}
			fmt.Fprintln(c.OutOrStdout(), pushed)
			return nil
		},
	}
}

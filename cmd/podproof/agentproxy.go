package main

import (
	"encoding/json"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/agent/proxy"
)

// newAgentProxy stands in front of a dependency until SIGTERM, and does what newAgentFault says.
func newAgentProxy() *cobra.Command {
	var socket string
	c := &cobra.Command{Use: "proxy LISTEN=TARGET…", Short: "Stand in front of a dependency, and refuse until `agent fault pass`", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var routes []proxy.Route
			for _, a := range args {
				r, err := proxy.ParseRoute(a)
				if err != nil {
					return err
				}
				routes = append(routes, r)
			}
			l, err := net.Listen("unix", socket)
			if err != nil {
				return couldNot(fmt.Errorf("agent proxy: %w", err))
			}
			p, err := proxy.Start(c.Context(), routes)
			if err != nil {
				return couldNot(fmt.Errorf("agent proxy: %w", err))
			}
			defer p.Close()
			if err := p.Obey(c.Context(), l); err != nil {
				return couldNot(fmt.Errorf("agent proxy: %w", err))
			}
			return nil
		}}
	addSocket(c, &socket)
	return c
}

// addSocket adds the flag by which a proxy and whoever tells it find each other.
func addSocket(c *cobra.Command, socket *string) {
	c.Flags().StringVar(socket, "socket", proxy.Socket, "`NAME` of the Unix socket at which the proxy is told")
}

// newAgentFault tells the proxy of its pod what to do, and prints its state.
func newAgentFault() *cobra.Command {
	var socket string
	c := &cobra.Command{Use: "fault [WORD…]", Short: "Tell the proxy of this pod what to do, and print its state as JSON",
		Long: "Tell the proxy of this pod what to do, and print its state as JSON. Without words, do so for each line of the input, as\n" +
			`{"words": ["slow", "2s"]}, and print {"state": …} or {"error": …}. The words are:` + "\n" + proxy.Words, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				if err := proxy.Relay(c.Context(), socket, c.InOrStdin(), c.OutOrStdout()); err != nil {
					return couldNot(fmt.Errorf("agent fault: %w", err))
				}
				return nil
			}
			s, err := proxy.Tell(c.Context(), socket, args)
			if err != nil {
				return couldNot(fmt.Errorf("agent fault: %w", err))
			}
			return json.NewEncoder(c.OutOrStdout()).Encode(s)
		}}
	addSocket(c, &socket)
	return c
}

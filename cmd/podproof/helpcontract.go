package main

import (
	"strings"

	"github.com/spf13/cobra"

	"podproof.dev/podproof/internal/report"
)

// newContractTopic is no command but what `podproof help contract` prints.
func newContractTopic() *cobra.Command {
	var b strings.Builder
	_ = report.WriteContractReference(&b) // a Builder takes everything
	return &cobra.Command{Use: "contract", Short: "Every key of podproof.yaml: `podproof help contract`", Long: b.String()}
}

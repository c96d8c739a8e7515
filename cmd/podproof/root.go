package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "podproof",
		Short: "Prove in a real Kubernetes that an image keeps the promises production relies on",
		Long: `podproof builds an image, or takes one, runs it in a real Kubernetes next to its
database, does to it what production will do, and says which promises hold.

Exit codes: 0 all promises hold, 1 a promise is broken, 2 usage, contract or manifests
are wrong, 3 something could not be checked, or --timeout was over, 130 Ctrl-C or SIGTERM.
They are about the checks that were chosen: with --only and --skip the others count for nothing.`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.SuggestionsMinimumDistance = 2
	root.SetVersionTemplate("podproof {{.Version}}\n")
	root.AddCommand(newVerify(), newPlan(), newInit(), newInspect(), newBuild(), newJudge(), newDiff(), newAttest(), newGate(), newChecks(), newExplain(), newRBAC(), newJob(), newClean(), newVersion(), newAgent(), newContractTopic())
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  asUsed,
		Run: func(c *cobra.Command, _ []string) {
			fmt.Fprintf(c.OutOrStdout(), "podproof %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		},
	}
}

// stamped is set by the linker where a build has a version of its own.
var stamped string

func version() string {
	if stamped != "" {
		return stamped
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "unknown"
}

// cacheDir is podproof's folder below the user's cache directory.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no cache directory (%w): set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(dir, "podproof"), nil
}

// runsDir is where each run has a folder while it lasts.
func runsDir() (string, error) {
	dir, err := cacheDir()
	return filepath.Join(dir, "runs"), err
}

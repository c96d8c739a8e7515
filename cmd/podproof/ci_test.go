package main

import "os"

// Tests print as at a desk, also where a CI runs them: its own formats would annotate the job with
// what tests have broken on purpose.
func init() {
	for _, name := range []string{"GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI"} {
		_ = os.Unsetenv(name)
	}
}

// Command bounded is an OCI runtime: runc, given only those capabilities that this host can grant.
//
// Docker before version 23 asks for every capability that the kernel knows when a container is privileged.
// Where the host itself lacks one, runc refuses. So it is taken out of the spec first.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"podproof.dev/hack/internal/capability"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bounded:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	runc, err := exec.LookPath("runc")
	if err != nil {
		return err
	}
	if file := specFile(args); file != "" {
		missing, err := capability.Missing("self")
		if err != nil {
			return err
		}
		if err := drop(file, missing); err != nil {
			return err
		}
	}
	return syscall.Exec(runc, append([]string{"runc"}, args...), os.Environ())
}

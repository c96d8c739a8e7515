package deps

import (
	"os/exec"
	"strings"
	"testing"
)

// own is this module's path with a slash.
const own = "podproof.dev/reactbin/"

// TestTheServiceImportsNothingElse keeps the dependency layer honest: a package that is missing
// in deps.go would be compiled again with each change of the source.
func TestTheServiceImportsNothingElse(t *testing.T) {
	warm := map[string]bool{}
	for _, path := range packages(t, ".") {
		warm[path] = true
	}
	for _, path := range packages(t, own+"cmd/reactbin") {
		if !strings.HasPrefix(path, own) && !warm[path] {
			t.Errorf("the service needs %s, which deps.go does not bring in: import it there, or what imports it", path)
		}
	}
}

// TestDepsCarriesNoMore finds imports that the service no longer needs.
func TestDepsCarriesNoMore(t *testing.T) {
	needed := map[string]bool{}
	for _, path := range packages(t, own+"cmd/reactbin") {
		needed[path] = true
	}
	for _, path := range packages(t, ".") {
		if !strings.HasPrefix(path, own) && !needed[path] {
			t.Errorf("deps.go brings in %s, which the service does not need", path)
		}
	}
}

// packages lists what the package is compiled from, as the image's build sees it.
func packages(t *testing.T, path string) []string {
	t.Helper()
	command := exec.Command("go", "list", "-deps", path)
	command.Env = append(command.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	output, err := command.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := err.(*exec.ExitError); ok {
			stderr = exit.Stderr
		}
		t.Fatalf("%s: %v\n%s", command, err, stderr)
	}
	return strings.Fields(string(output))
}

// Package asnobody lets a test ask for files without root's rights.
package asnobody

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// Do has the files asked for by a user without rights, also where the test is root's:
// setfsuid(2) takes root's over permissions along, of this thread alone.
func Do(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nobody = 65534
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setfsuid(0) }()
	do()
}

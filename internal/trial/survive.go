package trial

import "fmt"

// surviving turns a panic into an error. In a goroutine of its own it would end the process, with
// all that the run has created still there; others defer runtime.HandleCrash for that.
func surviving(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("podproof itself broke (%v): a bug, please report it", p)
			}
		}()
		return f()
	}
}

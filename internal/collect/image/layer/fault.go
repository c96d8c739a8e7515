package layer

import (
	"errors"
	"fmt"
)

// Fault is an error of the image itself: it is damaged, incomplete or made to do harm.
// Every other error is that of the machine or of the network that it was read from.
type Fault struct{ Err error }

// Error is the wrapped error's.
func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap returns the wrapped error.
func (f *Fault) Unwrap() error { return f.Err }

// Faultf makes a Fault, as fmt.Errorf makes an error.
func Faultf(format string, args ...any) error { return &Fault{fmt.Errorf(format, args...)} }

// IsFault tells whether the image is to blame for an error.
func IsFault(err error) bool { return errors.As(err, new(*Fault)) }

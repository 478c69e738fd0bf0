package command

import (
	"errors"
	"fmt"
)

// Exit codes of osnkafka.
const (
	ExitFine        = 0 // done, or nothing wrong was found
	ExitRefused     = 1 // refused, or something wrong was found
	ExitUsage       = 2 // the command line, or a file that it names, cannot be used
	ExitUnreachable = 3 // brokers or orderers gave no answer
)

// started is the error of a command that has started its work.
type started struct{ error }

func (s started) Unwrap() error { return s.error }

// usageError is a fault in the command line, or in a file that it names.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// Usage returns an error that is a fault in the command line, or in a file that it names.
func Usage(err error) error { return usageError{err} }

// Usagef returns a usage error.
func Usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// ExitCode returns the exit code for an error of Execute. Errors of cobra itself, before a
// command has started, are usage errors.
func ExitCode(err error) int {
	var ran started
	var usage usageError
	switch {
	case err == nil:
		return ExitFine
	case errors.As(err, &usage), !errors.As(err, &ran):
		return ExitUsage
	case unreachable(err):
		return ExitUnreachable
	}
	return ExitRefused
}

// Package guard lets Fabric's code work on bytes that others wrote, which come from the topic,
// another orderer, a client or the ledger. Such bytes must not end the process, which serves other
// channels and would read the same ones after each restart: a panic becomes an error, and a message that
// would overflow the stack is refused before it is decoded.
package guard

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// ErrNoVerdict is wrapped by the errors of [NoVerdict] and [Call]: this orderer cannot decide
// whether an envelope is valid. Another one may make a block of it, so that skipping it
// could fork the channel; by the compatible rules the channel stops before it.
var ErrNoVerdict = errors.New("no verdict")

// NoVerdict makes an error wrap [ErrNoVerdict] and leaves its text as it is.
func NoVerdict(err error) error { return noVerdict{err} }

type noVerdict struct{ error }

func (e noVerdict) Unwrap() error { return e.error }

func (noVerdict) Is(target error) bool { return target == ErrNoVerdict }

// Call calls f, which passes bytes of others to Fabric. Fabric's code panics on some that its own
// orderers never write. Such a panic becomes an error that wraps [ErrNoVerdict] and names the function.
//
// What cannot be recovered from (a stack that overflows, memory that runs out) has
// to be ruled out before f is called; see [CheckDepth].
func Call(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = NoVerdict(fmt.Errorf("it makes Fabric's code panic (%s: %s); report this with the record or block that it is about", where(), brief(r)))
		}
	}()
	return f()
}

// where returns the function that panicked: the first frame below the runtime, and
// below the logger through which Fabric panics.
func where() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicked = true
		case panicked && !within(f.Function, "runtime.", "go.uber.org/zap", "github.com/hyperledger/fabric/common/flogging", "github.com/hyperledger/fabric-lib-go/common/flogging"):
			return fmt.Sprintf("%s, line %d", f.Function, f.Line)
		}
		if !more {
			return "an unknown function"
		}
	}
}

func within(function string, packages ...string) bool {
	for _, p := range packages {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// brief returns the start of a panic's value, which may quote the bytes.
func brief(r any) string {
	const maxLength = 200
	s := strings.ToValidUTF8(fmt.Sprint(r), "?")
	if len(s) > maxLength {
		s = s[:maxLength] + "..."
	}
	return s
}

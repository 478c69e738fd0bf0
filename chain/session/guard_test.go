package session

import (
	"errors"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/common/flogging"
)

var logger = flogging.MustGetLogger("guard")

type nested struct{ inner *nested }

func TestGuardedSaysWhere(t *testing.T) {
	for name, c := range map[string]struct {
		f    func() error
		want string
	}{
		"nil":    {func() error { _ = (&nested{}).inner.inner; return nil }, "session.TestGuardedSaysWhere"},
		"logger": {func() error { logger.Panicf("no %s", "policy"); return nil }, "session.TestGuardedSaysWhere"},
		"value":  {func() error { panic(strings.Repeat("x", 1<<20)) }, "xxx..."},
		"error":  {func() error { panic(errors.New("no policy")) }, "no policy"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Guarded(c.f)
			if !errors.Is(err, ErrNoVerdict) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
				t.Fatal(err)
			}
		})
	}
}

func TestGuardedPassesErrorsOn(t *testing.T) {
	want := errors.New("refused")
	if err := Guarded(func() error { return want }); !errors.Is(err, want) || errors.Is(err, ErrNoVerdict) {
		t.Fatal(err)
	}
}

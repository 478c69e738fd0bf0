package guard

import (
	"errors"
	"strings"
	"testing"

	"github.com/hyperledger/fabric/common/flogging"
)

var logger = flogging.MustGetLogger("guard")

type nested struct{ inner *nested }

func TestCallSaysWhere(t *testing.T) {
	for name, c := range map[string]struct {
		f    func() error
		want string
	}{
		"nil":    {func() error { _ = (&nested{}).inner.inner; return nil }, "guard.TestCallSaysWhere"},
		"logger": {func() error { logger.Panicf("no %s", "policy"); return nil }, "guard.TestCallSaysWhere"},
		"value":  {func() error { panic(strings.Repeat("x", 1<<20)) }, "xxx..."},
		"error":  {func() error { panic(errors.New("no policy")) }, "no policy"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Call(c.f)
			if !errors.Is(err, ErrNoVerdict) || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
				t.Fatal(err)
			}
		})
	}
}

func TestCallPassesErrorsOn(t *testing.T) {
	want := errors.New("refused")
	if err := Call(func() error { return want }); !errors.Is(err, want) || errors.Is(err, ErrNoVerdict) {
		t.Fatal(err)
	}
}

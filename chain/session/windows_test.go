package session_test

import (
	"fmt"
	"testing"
)

// As many blocks are verified as are needed to cover 64 offsets, however many the ledger has.
func TestEnoughBlocksAreVerified(t *testing.T) {
	r := newRig(t)
	r.reads()
	for n := range 50 {
		r.orders(fmt.Sprint("a", n), fmt.Sprint("b", n))
	}
	r.reads()
	before := r.broker.Read().Records
	r.restart()
	r.orders("y")
	r.reads()
	if read := r.broker.Read().Records - before - 1; read < 64 || read > 66 {
		t.Errorf("%d records were read again, of 100", read)
	}
}

package block

import (
	"path/filepath"
	"testing"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/session/golden"
)

// The recorded blocks of in-tree orderers have the form that is required of a pulled block, and what is signed in them
// shows which of them are configs.
func TestBlocksOfInTreeOrderers(t *testing.T) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			v, err := golden.Read(filepath.Join("..", "session", "testdata", "golden", name))
			if err != nil {
				t.Fatal(err)
			}
			signed := 0
			for number, b := range v.Blocks[1:] {
				got, err := Decode(b)
				if err == nil {
					err = verifyData(uint64(number)+1, b)
				}
				if err != nil {
					t.Fatal(err)
				}
				if want := protoutil.IsConfigBlock(b); got.Config != want {
					t.Errorf("block %d: a config block is %t, want %t", number+1, got.Config, want)
				}
				if _, ok, err := LastConfig(b); err == nil && ok {
					signed++
				}
			}
			if signed < 50 {
				t.Errorf("%d of %d blocks have a signed number of the last config", signed, len(v.Blocks))
			}
		})
	}
}

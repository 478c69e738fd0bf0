package verdict

import (
	"strings"
	"testing"

	mb "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/fabrictest"
)

func TestIdemixMSPWithASigner(t *testing.T) {
	for want, definition := range map[string]*mb.IdemixMSPConfig{
		"":                            {Name: "PeerMSP"},
		"MSP with a signing identity": {Name: "PeerMSP", Signer: &mb.IdemixMSPSignerConfig{}},
	} {
		value := channelconfig.MSPValue(&mb.MSPConfig{Type: 1, Config: protoutil.MarshalOrPanic(definition)})
		g := protoutil.NewConfigGroup()
		fabrictest.Put(g, value)
		err := soundMSPs(&fabric.ConfigGroup{Groups: map[string]*fabric.ConfigGroup{"Application": {Groups: map[string]*fabric.ConfigGroup{"PeerMSP": g}}}})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

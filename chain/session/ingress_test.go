package session_test

import (
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Broadcast accepts envelopes that would make peers refuse the block.
func TestValueRefusesWhatPeersDoNotAccept(t *testing.T) {
	e := chaintest.Envelope(channelID, "a")
	if _, err := session.Value(e, 0, machine.Normal); err != nil {
		t.Error(err)
	}
	e.Signature = nil
	if _, err := session.Value(e, 0, machine.Normal); err == nil || !strings.Contains(err.Error(), "no signature") {
		t.Errorf("without a signature: %v", err)
	}
	e = chaintest.Envelope(channelID, "a")
	e.Payload = []byte{0xff}
	if _, err := session.Value(e, 0, machine.Normal); err == nil {
		t.Error("a payload that does not decode is ordered")
	}
}

package form

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// CheckRaft refuses consensus metadata that Fabric's Raft does not start with. It does so alike in every build: the chains
// of trust of certificates, which Fabric checks by the clock, are not checked.
func CheckRaft(metadata []byte) error {
	m := &fabric.RaftMetadata{}
	if err := fabric.Unmarshal(metadata, m); err != nil {
		return fmt.Errorf("decode ConsensusType.metadata: %w", err)
	}
	if err := checkOptions(m.GetOptions()); err != nil {
		return fmt.Errorf("the options of Raft: %w", err)
	}
	if len(m.GetConsenters()) == 0 {
		return errors.New("there is no consenter")
	}
	seen := map[string]bool{}
	for i, c := range m.GetConsenters() {
		if c.GetHost() == "" || c.GetPort() == 0 || c.GetPort() > 65535 {
			return fmt.Errorf("consenter %d: host %q and port %d are not an address", i+1, c.GetHost(), c.GetPort())
		}
		own := [][]byte{c.GetServerTlsCert(), c.GetClientTlsCert()}
		for _, text := range own {
			if block, _ := pem.Decode(text); block == nil || block.Type != "CERTIFICATE" {
				return fmt.Errorf("consenter %s:%d: a TLS certificate is not a certificate in PEM", c.GetHost(), c.GetPort())
			}
			if seen[string(bytes.TrimSpace(text))] {
				return fmt.Errorf("consenter %s:%d: another consenter has its TLS certificate", c.GetHost(), c.GetPort())
			}
		}
		for _, text := range own {
			seen[string(bytes.TrimSpace(text))] = true
		}
	}
	return nil
}

func checkOptions(o *fabric.RaftOptions) error {
	tick, err := time.ParseDuration(o.GetTickInterval())
	switch {
	case err != nil:
		return fmt.Errorf("tick_interval: %w", err)
	case tick <= 0:
		return fmt.Errorf("tick_interval %s is not positive", o.GetTickInterval())
	case o.GetHeartbeatTick() == 0 || o.GetElectionTick() <= o.GetHeartbeatTick():
		return fmt.Errorf("election_tick %d must be greater than heartbeat_tick %d, which must be at least 1", o.GetElectionTick(), o.GetHeartbeatTick())
	case o.GetMaxInflightBlocks() == 0:
		return errors.New("max_inflight_blocks is 0")
	}
	return nil
}

package verdict

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hyperledger/fabric/bccsp/sw"
	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/common/configtx"
	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/orderer/common/msgprocessor"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/chaintest"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/session/golden"
)

// recorded is Fabric's side of a recorded channel, at one of its configs, on an orderer whose key is
// unavailable.
type recorded struct {
	Support
	bundle *channelconfig.Bundle
	signer error
}

func (r recorded) ChannelID() string                            { return r.bundle.ConfigtxValidator().ChannelID() }
func (r recorded) ConfigtxValidator() configtx.Validator        { return r.bundle.ConfigtxValidator() }
func (r recorded) PolicyManager() policies.Manager              { return r.bundle.PolicyManager() }
func (r recorded) OrdererConfig() (channelconfig.Orderer, bool) { return r.bundle.OrdererConfig() }
func (r recorded) Serialize() ([]byte, error)                   { return []byte("nobody"), r.signer }
func (r recorded) Sign([]byte) ([]byte, error)                  { return []byte("nothing"), r.signer }

// recording returns the config blocks of a channel that in-tree orderers ordered.
func recording(t *testing.T) (configs []*fabric.Envelope) {
	v, err := golden.Read(filepath.Join("..", "session", "testdata", "golden", "config"))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range append([]*fabric.Block{v.Genesis}, v.Blocks...) {
		if protoutil.IsConfigBlock(b) && (len(configs) == 0 || b.Header.Number > 0) {
			configs = append(configs, protoutil.UnmarshalEnvelopeOrPanic(b.Data.Data[0]))
		}
	}
	return configs
}

func (r *recorded) at(t *testing.T, config *fabric.Envelope) {
	t.Helper()
	crypto, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	content := &fabric.ConfigEnvelope{}
	if err == nil {
		_, err = protoutil.UnmarshalEnvelopeOfType(config, fabric.HeaderTypeConfig, content)
	}
	if err == nil {
		r.bundle, err = channelconfig.NewBundle("config", content.Config, crypto)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// An acknowledged update is dropped if the channel's config refuses it, and not because of this orderer's key or clock.
func TestReproduces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := recording(t)
		if len(configs) < 3 {
			t.Fatalf("%d configs", len(configs))
		}
		time.Sleep(100 * 365 * 24 * time.Hour) // every certificate has expired
		r := &recorded{signer: errors.New("no token in the slot")}
		r.at(t, configs[0])
		update := configs[1]

		if err := reproduced(r, update); !errors.Is(err, session.ErrUnable) || !errors.Is(err, r.signer) {
			t.Errorf("an orderer without its key: %v", err)
		}
		if err := expires(t, r.bundle, update); err == nil {
			t.Error("the certificates have not expired")
		}
		r.signer = nil
		if err := reproduced(r, update); err == nil || errors.Is(err, session.ErrUnable) {
			t.Errorf("an orderer that may not write: %v", err)
		}
		r.signer = errors.New("no token in the slot")
		r.at(t, configs[1])
		if err := reproduced(r, update); err == nil || errors.Is(err, session.ErrUnable) {
			t.Errorf("an update that was applied: %v", err)
		}
		for name, e := range map[string]*fabric.Envelope{"nothing": {}, "no config": chaintest.Envelope(channel, "a")} {
			if err := reproduced(r, e); err == nil || errors.Is(err, session.ErrUnable) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func reproduced(r *recorded, update *fabric.Envelope) error {
	_, err := New(r, nil).reproduce(update)
	return err
}

// expires returns the error of Fabric's check at Broadcast for the certificate that signed an update.
func expires(t *testing.T, bundle *channelconfig.Bundle, config *fabric.Envelope) error {
	t.Helper()
	content := &fabric.ConfigEnvelope{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(config, fabric.HeaderTypeConfig, content); err != nil {
		t.Fatal(err)
	}
	return msgprocessor.NewExpirationRejectRule(bundle).Apply(content.LastUpdate)
}

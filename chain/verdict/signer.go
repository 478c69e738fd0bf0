package verdict

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// signed returns nil if peers accept the outer parts of a config envelope, as Fabric's core/common/validation checks
// them. Orderers never check them: Broadcast creates them, and the block writer reads the update inside. A config
// block whose envelope peers refuse is flagged by them and not applied, and they panic on the next config block,
// which does not follow the config that they have.
//
// Nothing here reads a clock: an MSP checks a certificate at the beginning of its validity, and the channel's
// revocation lists are in its config.
func (v *Validator) signed(envelope *fabric.Envelope) error {
	payload, err := protoutil.UnmarshalPayload(envelope.Payload)
	if err != nil {
		return err
	}
	header, err := protoutil.UnmarshalChannelHeader(payload.GetHeader().GetChannelHeader())
	if err != nil {
		return err
	}
	signer, err := protoutil.UnmarshalSignatureHeader(payload.GetHeader().GetSignatureHeader())
	if err != nil {
		return err
	}
	switch {
	case header.ChannelId != v.support.ChannelID():
		return fmt.Errorf("config envelope for channel %q", header.ChannelId)
	case header.Epoch != 0:
		return fmt.Errorf("config envelope of epoch %d, want 0", header.Epoch)
	case len(signer.Nonce) == 0:
		return errors.New("config envelope without a nonce")
	case len(signer.Creator) == 0:
		return errors.New("config envelope without a creator")
	}
	creator, err := v.support.MSPManager().DeserializeIdentity(signer.Creator)
	if err != nil {
		return fmt.Errorf("creator of the config envelope: %w", err)
	}
	if err := creator.Validate(); err != nil {
		return fmt.Errorf("creator of the config envelope: %w", err)
	}
	if err := creator.Verify(envelope.Payload, envelope.Signature); err != nil {
		return fmt.Errorf("signature of the config envelope: %w", err)
	}
	return nil
}

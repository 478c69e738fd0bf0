// Package block reads blocks that a channel's orderers have written: it verifies blocks of other orderers, finds what
// their signatures cover, and identifies configs. It also gives a new block its envelopes; see [SetEnvelopes].
package block

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// What Fabric signs of a block is Value || SignatureHeader || Header, and what the header's DataHash covers is
// envelope || envelope || ..., with no lengths between the parts. So a valid signature or hash does not show where a
// part ends: whoever passes on a block can move bytes from one part to the next. Protobuf accepts both: of a field
// that occurs twice it uses the last, and an empty Value makes Fabric read the position from a slot that no signature
// covers.
//
// Here a part counts only if what is read from it encodes to exactly its bytes, and if it has the field that it must
// begin with. Then each part begins at that field, and the bytes can be divided in one way only. See SECURITY.md,
// "What binds what is read".

// Policies are the channel's policies in force, which a block is verified by.
type Policies interface{ PolicyManager() policies.Manager }

// Verify returns nil if a block of another orderer is the channel's block of that number: it can be read in one way
// only, its envelopes match its header, and its signatures satisfy the policy for blocks in force. The caller
// checks that it follows the block before it. The error names the field.
func Verify(p Policies, number uint64, b *fabric.Block) error {
	return guard.Call(func() error { return verify(p, number, b) })
}

func verify(p Policies, number uint64, b *fabric.Block) error {
	if err := verifyData(number, b); err != nil {
		return fmt.Errorf("block %d: %w", number, err)
	}
	signed, err := signaturesOf(b)
	if err != nil {
		return fmt.Errorf("block %d: %w", number, err)
	}
	policy, ok := p.PolicyManager().GetPolicy(policies.BlockValidation)
	if !ok {
		return fmt.Errorf("the channel config has no policy %s", policies.BlockValidation)
	}
	if err := policy.EvaluateSignedData(signedData(signed, b.Header)); err != nil {
		return fmt.Errorf("block %d: %s.Signatures do not satisfy the policy %s: %w", number, signaturesField, policies.BlockValidation, err)
	}
	if len(signed.Value) == 0 {
		return fmt.Errorf("block %d: %s.Value is empty, as before Fabric 1.4.1: nothing is signed over the position that the block names; "+
			"remove the channel from this orderer and join it again with a config block of Fabric 1.4.1 or later", number, signaturesField)
	}
	return nil
}

// verifyData checks header and envelopes.
func verifyData(number uint64, b *fabric.Block) error {
	switch {
	case b.GetHeader() == nil:
		return fmt.Errorf("%s is missing", headerField)
	case b.Header.Number != number:
		return fmt.Errorf("%s.Number is %d", headerField, b.Header.Number)
	case len(b.Header.PreviousHash) != sha256.Size:
		return fmt.Errorf("%s.PreviousHash has %d bytes", headerField, len(b.Header.PreviousHash))
	case len(b.GetData().GetData()) == 0:
		return fmt.Errorf("%s is empty", dataField)
	}
	if hash := DataHash(b.Data.Data); !bytes.Equal(hash, b.Header.DataHash) {
		return fmt.Errorf("%s.DataHash is %x, the hash of %s is %x", headerField, b.Header.DataHash, dataField, hash)
	}
	return verifyEnvelopes(b.Data.Data)
}

// DataHash returns the hash of a block's envelopes, as in its header.
func DataHash(envelopes [][]byte) []byte {
	sum := sha256.New()
	for _, e := range envelopes {
		_, _ = sum.Write(e) // it cannot fail
	}
	return sum.Sum(nil)
}

// verifyEnvelopes checks the form of the envelopes of a block, which the block writer encoded. The
// payload of a normal one does not matter here; that of a config is for package verdict.
//
// Their bytes can be divided into acceptable envelopes in one way only. An envelope is at most one payload, at most
// one signature and then what this build does not know, so one begins at each payload, one at each signature that
// follows anything but a payload, and none at what is not known. A signature right after a payload belongs to the
// same envelope: the compatible rules can make two envelopes of that, and such a block is refused, as is one with an
// empty envelope, which could be anywhere and any number of times.
func verifyEnvelopes(all [][]byte) error {
	signed := true
	for i, value := range all {
		e, err := verifyEnvelope(value)
		switch {
		case err != nil:
			return fmt.Errorf("%s[%d] %w", dataField, i, err)
		case len(e.Payload) == 0 && !signed:
			return fmt.Errorf("%s[%d] has no payload, and the envelope before it no signature: the bytes of both can be read as one envelope", dataField, i)
		}
		signed = len(e.Signature) > 0
	}
	return nil
}

func verifyEnvelope(value []byte) (*fabric.Envelope, error) {
	e := &fabric.Envelope{}
	if err := fabric.Unmarshal(value, e); err != nil {
		return nil, fmt.Errorf("is not an envelope: %w", err)
	}
	encoded, err := fabric.Marshal(e)
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot be encoded: %w", err)
	case len(e.Payload)+len(e.Signature) == 0:
		return nil, errors.New("has neither payload nor signature")
	case !bytes.Equal(encoded, value):
		return nil, ambiguous(value, encoded)
	}
	return e, nil
}

// The fields that errors name, and the slots of a block's metadata that hold its signatures and,
// before Fabric 1.4.1, its position.
const (
	headerField     = "Header"
	dataField       = "Data"
	signaturesSlot  = 0
	ordererSlot     = 3
	signaturesField = "Metadata[SIGNATURES]"
	ordererField    = "Metadata[ORDERER]"
)

// signaturesOf reads the signatures of a block and what they cover.
func signaturesOf(b *fabric.Block) (*fabric.Metadata, error) {
	m := &fabric.Metadata{}
	if err := slot(b, signaturesSlot, m); err != nil {
		return nil, fmt.Errorf("%s %w", signaturesField, err)
	}
	again := &fabric.Metadata{Value: m.Value}
	for _, s := range m.Signatures {
		again.Signatures = append(again.Signatures, &fabric.MetadataSignature{SignatureHeader: s.GetSignatureHeader(), Signature: s.GetSignature()})
	}
	if err := encodes(again, b.Metadata.Metadata[signaturesSlot]); err != nil {
		return nil, fmt.Errorf("%s %w", signaturesField, err)
	}
	if _, _, err := ordererMetadata(m.Value); err != nil {
		return nil, fmt.Errorf("%s.Value %w", signaturesField, err)
	}
	for i, s := range again.Signatures {
		if err := verifySignatureHeader(s.SignatureHeader); err != nil {
			return nil, fmt.Errorf("%s.Signatures[%d].SignatureHeader %w", signaturesField, i, err)
		}
	}
	return again, nil
}

// slot decodes a slot of a block's metadata.
func slot(b *fabric.Block, index int, into *fabric.Metadata) error {
	if all := b.GetMetadata().GetMetadata(); index < len(all) {
		if err := fabric.Unmarshal(all[index], into); err != nil {
			return fmt.Errorf("does not decode: %w", err)
		}
		return nil
	}
	return errors.New("is missing")
}

// verifySignatureHeader checks the form of the second part that is signed, which
// begins with its only creator.
func verifySignatureHeader(value []byte) error {
	h := &fabric.SignatureHeader{}
	if err := fabric.Unmarshal(value, h); err != nil {
		return fmt.Errorf("does not decode: %w", err)
	}
	if len(h.Creator) == 0 {
		return errors.New("has no creator")
	}
	return encodes(&fabric.SignatureHeader{Creator: h.Creator, Nonce: h.Nonce}, value)
}

// ordererMetadata reads the first part that is signed: the consenter metadata and the number of the last
// config block. An empty part has neither.
func ordererMetadata(value []byte) (consenter *fabric.Metadata, lastConfig uint64, err error) {
	m, consenter := &fabric.OrdererBlockMetadata{}, &fabric.Metadata{}
	if err := fabric.Unmarshal(value, m); err != nil {
		return nil, 0, fmt.Errorf("does not decode: %w", err)
	}
	again := &fabric.OrdererBlockMetadata{ConsenterMetadata: m.ConsenterMetadata}
	if m.LastConfig != nil {
		again.LastConfig = &fabric.LastConfig{Index: m.LastConfig.Index}
	}
	if err := encodes(again, value); err != nil {
		return nil, 0, err
	}
	if err := fabric.Unmarshal(m.ConsenterMetadata, consenter); err != nil {
		return nil, 0, fmt.Errorf("has consenter metadata that does not decode: %w", err)
	}
	return consenter, m.LastConfig.GetIndex(), nil
}

// encodes returns nil if a message is encoded as these bytes.
func encodes(m fabric.Message, value []byte) error {
	encoded, err := fabric.Marshal(m)
	if err != nil {
		return fmt.Errorf("cannot be encoded: %w", err)
	}
	if !bytes.Equal(encoded, value) {
		return ambiguous(value, encoded)
	}
	return nil
}

func ambiguous(value, encoded []byte) error {
	return fmt.Errorf("has %d bytes that are not the %d that its fields encode to: they can be read in more than one way", len(value), len(encoded))
}

// signedData returns what a policy evaluates: each signature and all that it covers.
func signedData(m *fabric.Metadata, header *fabric.BlockHeader) (all []*protoutil.SignedData) {
	for _, s := range m.Signatures {
		h := &fabric.SignatureHeader{}
		if fabric.Unmarshal(s.SignatureHeader, h) != nil {
			continue // signaturesOf has read it
		}
		all = append(all, &protoutil.SignedData{
			Data:      slices.Concat(m.Value, s.SignatureHeader, protoutil.BlockHeaderBytes(header)),
			Identity:  h.Creator,
			Signature: s.Signature,
		})
	}
	return all
}

// Decode returns what a session reads of a block: one of this ledger, or one that
// was verified.
func Decode(b *fabric.Block) (session.Block, error) {
	if b.GetHeader() == nil || b.Data == nil {
		return session.Block{}, errors.New("a block without header or data")
	}
	metadata, err := ConsenterMetadata(b)
	if err != nil {
		return session.Block{}, fmt.Errorf("block %d: %w", b.Header.Number, err)
	}
	return session.Block{
		Number:    machine.BlockNumber(b.Header.Number),
		Envelopes: b.Data.Data,
		Config:    isConfigBlock(b),
		Metadata:  metadata,
	}, nil
}

// isConfigBlock reports whether a block was written as a config block. A block that holds a config and nothing else
// need not be one: by the compatible rules a record of class NORMAL may carry a config, which then does not take
// effect. Before Fabric 1.4.1, LastConfig is neither signed nor always right.
func isConfigBlock(b *fabric.Block) bool {
	if len(b.Data.Data) != 1 || !protoutil.IsConfigBlock(b) {
		return false
	}
	last, ok, err := LastConfig(b)
	return err == nil && (!ok || last == b.Header.Number)
}

// LastConfig returns the number of the newest config block according to a block's signed part; ok is false if that
// part has no such number, as before Fabric 1.4.1.
func LastConfig(b *fabric.Block) (number uint64, ok bool, err error) {
	if b.GetHeader().GetNumber() == 0 {
		return 0, true, nil
	}
	signed, err := signaturesOf(b)
	if err != nil || len(signed.Value) == 0 {
		return 0, false, err
	}
	_, number, err = ordererMetadata(signed.Value)
	return number, err == nil, err
}

// ConsenterMetadata returns the consenter metadata of a block: the part that its signatures bind. Block 0 has none,
// whatever it contains: nobody signs it. In a block from before Fabric 1.4.1 it is in a slot that nobody signs, so it
// is accepted only from this ledger and only if such an orderer can have written it; it is then compared with the
// topic's records.
func ConsenterMetadata(b *fabric.Block) ([]byte, error) {
	if b.Header.Number == 0 {
		return nil, nil
	}
	signed, err := signaturesOf(b)
	if err != nil {
		return nil, err
	}
	if len(signed.Value) > 0 {
		m, _, err := ordererMetadata(signed.Value)
		return m.GetValue(), err
	}
	m := &fabric.Metadata{}
	if err := slot(b, ordererSlot, m); err != nil {
		return nil, fmt.Errorf("%s %w", ordererField, err)
	}
	if !session.InTree(m.Value) {
		return nil, fmt.Errorf("%s holds what no orderer before Fabric 1.4.1 wrote, and %s.Value is empty: the block was altered; "+
			"remove the channel from this orderer and join it again", ordererField, signaturesField)
	}
	return m.Value, nil
}

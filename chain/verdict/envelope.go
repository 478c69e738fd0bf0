package verdict

import (
	"errors"
	"fmt"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/guard"
)

// errDeadly is wrapped if in-tree orderers crash on a record: nothing after it can be ordered by the compatible
// rules.
var errDeadly = guard.NoVerdict(errors.New("in-tree orderers crash on it, again at every start"))

// errNewChannel is returned for what a client of a system channel sends to create a channel.
var errNewChannel = errors.New("it creates a channel through a system channel, which our orderers do not do: " +
	"make a genesis block with configtxgen, and join every orderer with osnadmin channel join")

// deepest is how deep the groups of a config may be nested. Fabric has four levels: the channel, the
// consortiums, a consortium, an organization.
const deepest = 8

// configTx is what a config envelope holds.
type configTx struct {
	channel  string // of its header
	envelope *fabric.ConfigEnvelope
	config   *fabric.Config       // nil if there is none
	update   *fabric.ConfigUpdate // the same
}

// opened decodes a config envelope. Fabric must not see one that is refused here: it keeps the path of
// each group, and copies what is below it, before it asks who signed: 600 KB of nested groups take 2 GB,
// and twice that four times as much. No process recovers from that.
func opened(envelope *fabric.Envelope) (tx configTx, err error) {
	if err := guard.CheckDepth(envelope.GetPayload()); err != nil {
		return tx, err
	}
	if h, err := protoutil.ChannelHeader(envelope); err == nil && h.Type == fabric.TypeOrdererTransaction {
		return tx, errNewChannel
	}
	tx.envelope = &fabric.ConfigEnvelope{}
	header, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfig, tx.envelope)
	if err != nil {
		return tx, err
	}
	tx.channel, tx.config = header.ChannelId, tx.envelope.Config
	if tx.envelope.LastUpdate != nil {
		if tx.update, err = updateOf(tx.envelope.LastUpdate); err != nil {
			return tx, err
		}
	}
	return tx, errors.Join(shallow(tx.config.GetChannelGroup(), deepest),
		shallow(tx.update.GetReadSet(), deepest), shallow(tx.update.GetWriteSet(), deepest))
}

// updateOf decodes a config update.
func updateOf(envelope *fabric.Envelope) (*fabric.ConfigUpdate, error) {
	signed, update := &fabric.ConfigUpdateEnvelope{}, &fabric.ConfigUpdate{}
	if _, err := protoutil.UnmarshalEnvelopeOfType(envelope, fabric.HeaderTypeConfigUpdate, signed); err != nil {
		return nil, err
	}
	return update, fabric.Unmarshal(signed.ConfigUpdate, update)
}

// shallow refuses a group with more than this many levels of nested groups.
func shallow(group *fabric.ConfigGroup, levels int) error {
	if group != nil && levels == 0 {
		return fmt.Errorf("more than %d nested config groups", deepest)
	}
	for _, g := range group.GetGroups() {
		if err := shallow(g, levels-1); err != nil {
			return err
		}
	}
	return nil
}

// processable decodes a config envelope that Fabric may process again. In every release, Fabric's processor reads the
// update in the envelope without checking whether there is one.
func processable(envelope *fabric.Envelope) (configTx, error) {
	tx, err := opened(envelope)
	switch {
	case errors.Is(err, guard.ErrDeep):
		return tx, fmt.Errorf("%w: %w", errDeadly, err)
	case err != nil:
		return tx, err
	case tx.update == nil:
		return tx, fmt.Errorf("%w: config envelope without an update", errDeadly)
	}
	return tx, nil
}

// usable refuses configs that Fabric accepts on one machine and not on another, or that it panics on, now or at the
// next update. What is in force already may have such content.
func (tx configTx) usable() error {
	const root = "/Channel"
	written := tx.update.GetWriteSet()
	return errors.Join(known(tx.envelope), known(tx.config),
		soundMSPs(written), subPolicies(tx.config.GetChannelGroup(), root), modPolicies(written, root))
}

// known refuses a message around the config that has a field which its type does not have: no update
// authorizes it, and protobuf libraries differ in whether it counts when configs are compared. A message
// inside the config is checked by commonRules.
func known(m fabric.Message) error {
	r := fabric.Reflect(m)
	if n := len(r.GetUnknown()); n > 0 {
		return fmt.Errorf("%s with %d bytes of unknown fields", r.Descriptor().Name(), n)
	}
	return nil
}

// modPolicies and subPolicies refuse the name of a group instead of that of a policy in it: Fabric splits the name
// without checking its length.

func modPolicies(group *fabric.ConfigGroup, root string) error {
	names := []string{group.GetModPolicy()}
	for _, v := range group.GetValues() {
		names = append(names, v.GetModPolicy())
	}
	for _, p := range group.GetPolicies() {
		names = append(names, p.GetModPolicy())
	}
	for _, name := range names {
		if name == root {
			return fmt.Errorf("mod_policy %q names a group; name a policy in it, such as %s/Admins", name, root)
		}
	}
	for _, g := range group.GetGroups() {
		if err := modPolicies(g, root); err != nil {
			return err
		}
	}
	return nil
}

// subPolicies checks the implicit meta policies of a group at a path, and below.
func subPolicies(group *fabric.ConfigGroup, path string) error {
	for name, p := range group.GetPolicies() {
		if p.GetPolicy().GetType() != fabric.PolicyImplicitMeta {
			continue
		}
		meta := &fabric.ImplicitMetaPolicy{}
		if err := fabric.Unmarshal(p.Policy.Value, meta); err != nil {
			return fmt.Errorf("policy %s/%s: %w", path, name, err)
		}
		for child := range group.GetGroups() {
			if meta.SubPolicy == path+"/"+child {
				return fmt.Errorf("policy %s/%s: its sub-policy %q names a group; name the policies that it refers to, such as Admins", path, name, meta.SubPolicy)
			}
		}
	}
	for child, g := range group.GetGroups() {
		if err := subPolicies(g, path+"/"+child); err != nil {
			return err
		}
	}
	return nil
}

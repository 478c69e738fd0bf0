// Package pull gets blocks of a channel from its other orderers: those whose records the topic has lost,
// and the heights that decide whether a channel has been started.
//
// A [Factory], one for the process, creates a [chain.Puller] for each channel that needs one. The puller
// asks the orderers in the channel config, over the connections that Fabric's own replication uses, and
// returns the first block that satisfies the config in force and follows the ledger. Its requests end
// with their context, and their goroutines with them; Close ends the stream that the next block would
// come from.
package pull

import (
	"bytes"
	"cmp"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Factory creates the pullers of a process's channels. It is safe for concurrent use.
type Factory struct {
	cluster Cluster
	dialer  *cluster.StandardDialer // nil if there is none
	none    error                   // why there is none
	crypto  fabric.CryptoProvider
}

// NewFactory returns a factory. Call it before the registrar starts: from then on every
// config block changes Fabric's dialer, under its own lock.
func NewFactory(c Cluster, crypto fabric.CryptoProvider) *Factory {
	dialer, none := c.dialer()
	return &Factory{cluster: c, dialer: dialer, none: none, crypto: crypto}
}

// puller pulls blocks from the other orderers of a channel. It is not safe for concurrent
// use.
type puller struct {
	support     chain.Support
	dialer      *cluster.StandardDialer
	certificate []byte // this orderer's TLS client certificate, in DER; nil if it has none
	timeout     time.Duration
	endpoints   []cluster.EndpointCriteria
	address     ownAddress
	logger      *fabric.Logger

	stream    *stream             // the current source of blocks; nil if there is none
	slowAfter time.Duration       // wait for one orderer before another is asked as well
	last      *fabric.BlockHeader // of the last block returned
}

// defaultPullTimeout is Fabric's default of ReplicationPullTimeout, for an orderer.yaml without one.
const defaultPullTimeout = 5 * time.Second

// loggerName is the name of the pullers' logger.
const loggerName = "orderer.consensus.kafka.puller"

// New returns a puller for a channel, with the orderer addresses of the config in force. Its
// error wraps [session.ErrCannotAsk] if this build or its configuration cannot reach orderers.
func (f *Factory) New(s chain.Support) (chain.Puller, error) {
	endpoints, err := f.endpoints(s)
	if err != nil {
		return nil, fmt.Errorf("read the addresses of other orderers: %w", err)
	}
	p := &puller{
		support: s, dialer: f.dialer, slowAfter: defaultSlowAfter, timeout: cmp.Or(f.cluster.Settings.ReplicationPullTimeout, defaultPullTimeout), endpoints: endpoints,
		address: ownAddress{listen: f.cluster.Address, port: f.cluster.Port},
		logger:  fabric.NewLogger(loggerName).With("channel", s.ChannelID()),
	}
	if len(endpoints) == 0 {
		return p, nil // there is no orderer to ask
	}
	if f.dialer == nil {
		return nil, fmt.Errorf("%w: %w", session.ErrCannotAsk, f.none)
	}
	certificate, _ := pem.Decode(f.dialer.Config.SecOpts.Certificate)
	switch {
	case certificate != nil:
		p.certificate = certificate.Bytes
	case f.dialer.Config.SecOpts.UseTLS:
		return nil, fmt.Errorf("%w: this orderer has no TLS certificate as a client of others; "+
			"set General.TLS, or General.Cluster.ClientCertificate and ClientPrivateKey, in orderer.yaml", session.ErrCannotAsk)
	}
	return p, nil
}

// endpoints returns the addresses of the channel's orderers in the config in force. Fabric reads them
// from a config block; the number of the ledger's last config block is not used, since not all of the
// metadata that has it is signed.
func (f *Factory) endpoints(s chain.Support) ([]cluster.EndpointCriteria, error) {
	config := &fabric.ConfigEnvelope{Config: s.ConfigtxValidator().ConfigProto()}
	envelope, err := protoutil.CreateSignedEnvelope(fabric.HeaderTypeConfig, s.ChannelID(), nil, config, 0, 0)
	if err != nil {
		return nil, err
	}
	value, err := fabric.Marshal(envelope)
	if err != nil {
		return nil, err
	}
	block := protoutil.NewBlock(0, nil)
	block.Data.Data = [][]byte{value}
	return cluster.EndpointconfigFromConfigBlock(block, f.crypto)
}

// verify checks that a block is the next one of the channel: that its signatures satisfy
// the config in force, to which every earlier config block has been applied, and that it
// follows the previous block, if this orderer has that.
func (p *puller) verify(number uint64, b *fabric.Block) error {
	if err := block.Verify(p.support, number, b); err != nil {
		return err
	}
	before := p.last
	if before == nil || before.Number+1 != number {
		before = p.support.Block(number - 1).GetHeader()
	}
	if before == nil {
		return nil // it is still being written; the chain compares the hash
	}
	if hash := protoutil.BlockHeaderHash(before); !bytes.Equal(hash, b.Header.PreviousHash) {
		return fmt.Errorf("block %d: Header.PreviousHash is %x, the hash of the block before it is %x", number, b.Header.PreviousHash, hash)
	}
	return nil
}

// Close closes the connection to the current source of blocks.
func (p *puller) Close() {
	if p.stream != nil {
		p.stream.close()
		p.stream = nil
	}
}

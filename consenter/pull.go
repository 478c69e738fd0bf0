package consenter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/orderer/common/localconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/block"
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/session"
)

// Cluster is how the orderer reaches other orderers: what Fabric's own consenters
// get of it, which replicate blocks the same way.
type Cluster struct {
	Dialer   *cluster.PredicateDialer // nil: this orderer pulls no blocks
	Settings localconfig.Cluster      // General.Cluster of orderer.yaml
	Address  string                   // General.ListenAddress: where this orderer itself is reached
	Port     uint16                   // General.ListenPort; 0: not known
}

// dialer copies Fabric's. Call it before the registrar has begun: from then on every
// config block changes Fabric's, under a lock of its own. What changes, the roots, is
// another for each address anyway. A connection is made when it is used first, so
// that the wait for it ends with the context of the call.
func (c Cluster) dialer() *cluster.StandardDialer {
	if c.Dialer == nil {
		return nil
	}
	d := &cluster.StandardDialer{Config: c.Dialer.Config}
	d.Config.AsyncConnect = true
	d.Config.SecOpts.VerifyCertificate = nil
	d.Config.SecOpts.ServerRootCAs = nil
	return d
}

// puller takes blocks from the other orderers of a channel. Not safe for concurrent
// use.
type puller struct {
	support   chain.Support
	dialer    *cluster.StandardDialer
	own       []byte // this orderer's TLS certificate as a client, in DER; nil if it has none
	timeout   time.Duration
	endpoints []cluster.EndpointCriteria
	self      self
	logger    *fabric.Logger

	stream *stream // that blocks come from; nil for none
	last   *fabric.BlockHeader
}

// defaultPull is how long a response may take where orderer.yaml does not say: its default.
const defaultPull = 5 * time.Second

// newPuller makes the puller of a channel, with the addresses that the config in
// force names.
func (c *Consenter) newPuller(s chain.Support) (chain.Puller, error) {
	endpoints, err := c.endpoints(s)
	if err != nil {
		return nil, fmt.Errorf("read the addresses of other orderers: %w", err)
	}
	p := &puller{
		support: s, dialer: c.dialer, timeout: cmp.Or(c.cluster.Settings.ReplicationPullTimeout, defaultPull), endpoints: endpoints,
		self:   self{listen: c.cluster.Address, port: c.cluster.Port},
		logger: fabric.NewLogger(loggerName+".puller").With("channel", s.ChannelID()),
	}
	if len(endpoints) == 0 {
		return p, nil // nobody to ask
	}
	if c.dialer == nil {
		return nil, fmt.Errorf("%w: the orderer was built without its cluster dialer; build it with the plugin's builder", session.ErrNoWay)
	}
	certificate, _ := pem.Decode(c.dialer.Config.SecOpts.Certificate)
	switch {
	case certificate != nil:
		p.own = certificate.Bytes
	case c.dialer.Config.SecOpts.UseTLS:
		return nil, fmt.Errorf("%w: this orderer has no TLS certificate as a client of others; "+
			"set General.TLS, or General.Cluster.ClientCertificate and ClientPrivateKey, in orderer.yaml", session.ErrNoWay)
	}
	return p, nil
}

// endpoints are the addresses of the channel's orderers by the config in force.
// Fabric reads them from a config block; which one the ledger's last was is in its
// metadata, of which not all is signed.
func (c *Consenter) endpoints(s chain.Support) ([]cluster.EndpointCriteria, error) {
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
	return cluster.EndpointconfigFromConfigBlock(block, c.crypto)
}

// Block returns a block that another orderer has. Those that have it are tried one
// after the other, from any one on.
func (p *puller) Block(ctx context.Context, number uint64) (*fabric.Block, error) {
	if p.stream.has(number) {
		b, err := p.next(ctx, number)
		if err == nil {
			return b, nil
		}
		p.logger.Warnw("Lost the orderer that blocks came from", "block", number, "error", err)
	}
	having, err := p.ask(ctx, number)
	if err != nil {
		return nil, err
	}
	rand.Shuffle(len(having), func(i, j int) { having[i], having[j] = having[j], having[i] })
	var failed []error
	for _, a := range having {
		p.Close()
		p.stream = p.open(a, number)
		b, err := p.next(ctx, number)
		if err == nil {
			return b, nil
		}
		failed = append(failed, err)
		p.logger.Warnw("Could not take a block of another orderer", "block", number, "error", err)
	}
	return nil, errors.Join(append(failed, ctx.Err())...)
}

// next takes the next block of the stream and verifies it. The stream ends with an error.
func (p *puller) next(ctx context.Context, number uint64) (b *fabric.Block, err error) {
	from := p.stream.from.Endpoint
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	b, err = p.stream.next(ctx)
	if err != nil {
		return nil, fmt.Errorf("orderer %s does not give block %d: %w", from, number, err)
	}
	if err := p.verify(number, b); err != nil {
		return nil, fmt.Errorf("what an orderer gave does not hold: orderer %s, %w", from, err)
	}
	p.last = b.Header
	return b, nil
}

// verify makes sure that a block is the channel's next: signed as the config in force
// asks, which every config block before it has changed by now, and behind the block
// before it, if that is known here.
func (p *puller) verify(number uint64, b *fabric.Block) error {
	if err := block.Verify(p.support, number, b); err != nil {
		return err
	}
	before := p.last
	if before == nil || before.Number+1 != number {
		before = p.support.Block(number - 1).GetHeader()
	}
	if before == nil {
		return nil // it is being written; the chain compares it
	}
	if hash := protoutil.BlockHeaderHash(before); !bytes.Equal(hash, b.Header.PreviousHash) {
		return fmt.Errorf("block %d: Header.PreviousHash is %x, the hash of the block before it is %x", number, b.Header.PreviousHash, hash)
	}
	return nil
}

// Close closes the connection.
func (p *puller) Close() {
	if p.stream != nil {
		p.stream.close()
		p.stream = nil
	}
}

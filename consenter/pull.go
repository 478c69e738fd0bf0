package consenter

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyperledger/fabric/common/policies"
	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/orderer/common/localconfig"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/engine"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Cluster is how the orderer reaches other orderers: what Fabric's own consenters
// get of it, which replicate blocks the same way.
type Cluster struct {
	Dialer   *cluster.PredicateDialer // nil: this orderer pulls no blocks
	Settings localconfig.Cluster      // General.Cluster of orderer.yaml
}

// pullRetry is the puller's own pause; a chain that gets no block tries again later.
const pullRetry = 100 * time.Millisecond

// newPuller makes Fabric's block puller for a channel. Blocks are verified by the
// channel's policy for them, by the config in force and those that come by.
func (c *Consenter) newPuller(s chain.Support) (chain.Puller, error) {
	if c.cluster.Dialer == nil {
		return nil, fmt.Errorf("%w: the orderer was built without its cluster dialer; build it with the plugin's builder", chain.ErrNoWay)
	}
	dialer := &cluster.StandardDialer{Config: c.cluster.Dialer.Config}
	dialer.Config.AsyncConnect = false
	dialer.Config.SecOpts.VerifyCertificate = nil
	certificate, _ := pem.Decode(dialer.Config.SecOpts.Certificate)
	if certificate == nil {
		return nil, fmt.Errorf("%w: this orderer has no TLS certificate as a client of others; "+
			"set General.TLS, or General.Cluster.ClientCertificate and ClientPrivateKey, in orderer.yaml", chain.ErrNoWay)
	}
	config, err := cluster.LastConfigBlock(s.Block(s.Height()-1), s)
	if err != nil {
		return nil, fmt.Errorf("read the channel config for the addresses of other orderers: %w", err)
	}
	endpoints, err := cluster.EndpointconfigFromConfigBlock(config, c.crypto)
	if err != nil {
		return nil, fmt.Errorf("read the addresses of other orderers: %w", err)
	}
	p := &puller{stop: make(chan struct{})}
	p.fabric = &cluster.BlockPuller{
		VerifyBlockSequence: func(blocks []*fabric.Block, _ string) error {
			p.refusal = c.verify(s, blocks)
			return p.refusal
		},
		Logger:              fabric.NewLogger(loggerName+".puller").With("channel", s.ChannelID()),
		RetryTimeout:        pullRetry,
		MaxPullBlockRetries: 1,
		MaxTotalBufferBytes: c.cluster.Settings.ReplicationBufferSize,
		FetchTimeout:        c.cluster.Settings.ReplicationPullTimeout,
		Endpoints:           endpoints,
		Signer:              s,
		TLSCert:             certificate.Bytes,
		Channel:             s.ChannelID(),
		Dialer:              dialer,
		StopChannel:         p.stop,
	}
	return p, nil
}

// verify makes sure that blocks are what their headers say, that they follow each
// other, and that they are signed as the policy for blocks asks: the one in force,
// from a config block among them on that one's. The verifier that the registrar
// gives would be that of the process's start, whatever config came since.
func (c *Consenter) verify(s chain.Support, blocks []*fabric.Block) error {
	for i, b := range blocks {
		if err := cluster.VerifyBlockHash(i, blocks); err != nil {
			return err
		}
		if err := checkDepth(b); err != nil {
			return err
		}
	}
	policy, ok := s.PolicyManager().GetPolicy(policies.BlockValidation)
	if !ok {
		return fmt.Errorf("the channel config has no policy %s", policies.BlockValidation)
	}
	inForce := protoutil.BlockSignatureVerifier(false, nil, policy) // no BFT
	return cluster.VerifyBlocksBFT(blocks, inForce, cluster.BlockVerifierBuilder(c.crypto))
}

// checkDepth refuses a block that Fabric's verifier, which decodes a config before it
// looks at a signature, would not survive.
func checkDepth(b *fabric.Block) error {
	for _, tx := range b.GetData().GetData() {
		if err := engine.CheckDepth(tx); err != nil {
			return fmt.Errorf("block %d: %w", b.GetHeader().GetNumber(), err)
		}
	}
	return nil
}

// puller is Fabric's, with errors in the place of nil.
type puller struct {
	fabric  *cluster.BlockPuller
	refusal error  // why the blocks that were given last were not taken; nil if they were
	reach   uint64 // height of the orderer that has most, when they were asked last
	stop    chan struct{}
	once    sync.Once
}

// Block returns a block that another orderer has.
func (p *puller) Block(ctx context.Context, number uint64) (*fabric.Block, error) {
	defer context.AfterFunc(ctx, p.halt)()
	if number >= p.reach {
		if err := p.ask(ctx, number); err != nil {
			return nil, err
		}
	}
	b := p.fabric.PullBlock(number)
	switch {
	case b != nil:
		return b, nil
	case p.refusal != nil:
		return nil, errors.Join(ctx.Err(), fmt.Errorf("what an orderer gave does not hold: %w", p.refusal))
	}
	return nil, errors.Join(ctx.Err(), errors.New("no orderer gave it; the log of "+loggerName+".puller says why"))
}

// halt ends a wait of the puller's.
func (p *puller) halt() { p.once.Do(func() { close(p.stop) }) }

// Close closes the connections.
func (p *puller) Close() { p.fabric.Close() }

package consenter

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hyperledger/fabric/orderer/common/cluster"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain"
	"github.com/fabric-kafka/orderer/chain/fabric"
)

// answer is what an orderer says of the channel.
type answer struct {
	from   string
	height uint64        // of its ledger; 0 if it tells none
	status fabric.Status // why it tells none
	err    error         // it did not answer
}

// open says why the orderer may have a block that it does not tell of; empty if it
// has none. One that does not serve the channel has none.
func (a answer) open() string {
	switch {
	case a.err != nil:
		return fmt.Sprintf("%s does not answer (%v)", a.from, a.err)
	case a.height == 0 && a.status != fabric.StatusNotFound:
		return fmt.Sprintf("%s answers %s", a.from, a.status)
	}
	return ""
}

// ask finds out how many blocks the orderers of the channel have. Fabric's puller
// can do that, too, but takes one that does not serve the channel for one that does
// not answer.
func (p *puller) ask(ctx context.Context, number uint64) error {
	var asked, open []string
	for _, a := range p.answers(ctx) {
		p.reach = max(p.reach, a.height)
		asked = append(asked, a.from)
		if text := a.open(); text != "" {
			open = append(open, text)
		}
	}
	switch {
	case number < p.reach:
		return nil
	case len(open) > 0:
		slices.Sort(open)
		return fmt.Errorf("no orderer that tells its blocks has it, and %s", strings.Join(open, ", "))
	}
	return fmt.Errorf("%w: none of %s has it", chain.ErrNoBlock, strings.Join(asked, ", "))
}

// answers asks all orderers at a time.
func (p *puller) answers(ctx context.Context) []answer {
	all := make([]answer, len(p.fabric.Endpoints))
	var asking sync.WaitGroup
	for i, e := range p.fabric.Endpoints {
		asking.Go(func() { all[i] = p.answer(ctx, e) })
	}
	asking.Wait()
	return all
}

// answer asks for the newest block.
func (p *puller) answer(ctx context.Context, e cluster.EndpointCriteria) answer {
	a := answer{from: e.Endpoint}
	response, err := p.newest(ctx, e)
	switch {
	case err != nil:
		a.err = err
	case response.GetBlock().GetHeader() != nil:
		a.height = response.GetBlock().Header.Number + 1
	default:
		a.status = response.GetStatus()
	}
	return a
}

func (p *puller) newest(ctx context.Context, e cluster.EndpointCriteria) (*fabric.DeliverResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, p.fabric.FetchTimeout)
	defer cancel()
	connection, err := p.fabric.Dialer.Dial(e)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	stream, err := fabric.NewDeliverer(connection).Deliver(ctx)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256(p.fabric.TLSCert)
	seek, err := protoutil.CreateSignedEnvelopeWithTLSBinding(fabric.HeaderTypeSeek, p.fabric.Channel, p.fabric.Signer,
		fabric.SeekOfNewest(), 0, 0, hash[:])
	if err != nil {
		return nil, err
	}
	if err := stream.Send(seek); err != nil {
		return nil, err
	}
	return stream.Recv()
}

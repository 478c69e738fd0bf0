package consenter

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hyperledger/fabric/orderer/common/cluster"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// answer is what an orderer says of the channel.
type answer struct {
	endpoint cluster.EndpointCriteria
	height   uint64        // of its ledger; 0 if it tells none
	status   fabric.Status // why it tells none
	err      error         // it did not answer
}

// open says why the orderer may have a block that it does not tell of; nil if it
// has none. One that does not serve the channel has none.
func (a answer) open() error {
	switch {
	case a.err != nil:
		return fmt.Errorf("%s does not answer (%w)", a.endpoint.Endpoint, a.err)
	case a.height == 0 && a.status != fabric.StatusNotFound:
		return fmt.Errorf("%s answers %s", a.endpoint.Endpoint, a.status)
	}
	return nil
}

// ask returns those of the channel's orderers that have a block.
func (p *puller) ask(ctx context.Context, number uint64) (having []answer, err error) {
	var asked, open []string
	for _, a := range p.answers(ctx, p.endpoints) {
		if number < a.height {
			having = append(having, a)
		}
		asked = append(asked, a.endpoint.Endpoint)
		if err := a.open(); err != nil {
			open = append(open, err.Error())
		}
	}
	switch {
	case len(having) > 0:
		return having, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(open) > 0:
		slices.Sort(open)
		return nil, fmt.Errorf("no orderer that tells its blocks has it, and %s", strings.Join(open, ", "))
	}
	return nil, fmt.Errorf("%w: none of %s has it", session.ErrNoBlock, strings.Join(asked, ", "))
}

// Others asks all orderers of the channel but this one how many blocks they have.
func (p *puller) Others(ctx context.Context) (all []session.Answer) {
	for _, a := range p.answers(ctx, p.others(ctx)) {
		said := session.Answer{From: a.endpoint.Endpoint, Height: machine.BlockNumber(a.height), Err: a.err}
		if said.Err == nil && a.height == 0 && a.status != fabric.StatusNotFound {
			said.Err = fmt.Errorf("it answers %s", a.status)
		}
		all = append(all, said)
	}
	return all
}

// others are the addresses that are not this orderer's. Names are looked up at a time,
// and one that takes too long is not known to be.
func (p *puller) others(ctx context.Context) (all []cluster.EndpointCriteria) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	own := make([]bool, len(p.endpoints))
	var looking sync.WaitGroup
	for i, e := range p.endpoints {
		looking.Go(func() { own[i] = p.self.is(ctx, e.Endpoint) })
	}
	looking.Wait()
	for i, e := range p.endpoints {
		if !own[i] {
			all = append(all, e)
		}
	}
	return all
}

// answers asks orderers at a time.
func (p *puller) answers(ctx context.Context, endpoints []cluster.EndpointCriteria) []answer {
	all := make([]answer, len(endpoints))
	var asking sync.WaitGroup
	for i, e := range endpoints {
		asking.Go(func() { all[i] = p.answer(ctx, e) })
	}
	asking.Wait()
	return all
}

// answer asks for the newest block.
func (p *puller) answer(ctx context.Context, e cluster.EndpointCriteria) answer {
	a := answer{endpoint: e}
	s := p.open(a, 0)
	defer s.close()
	response, err := s.newest(ctx)
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

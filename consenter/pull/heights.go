package pull

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric/orderer/common/cluster"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/session"
)

// answer is an orderer's answer about the height of its ledger.
type answer struct {
	endpoint cluster.EndpointCriteria
	height   uint64        // of its ledger; 0 if it reports none
	status   fabric.Status // why it reports none
	err      error         // it did not answer
}

// undecided returns why the orderer may have a block although it did not report it; nil if
// it has none. An orderer that does not serve the channel has none.
func (a answer) undecided() error {
	switch {
	case a.err != nil:
		return fmt.Errorf("%s does not answer (%w)", a.endpoint.Endpoint, a.err)
	case a.height == 0 && a.status != fabric.StatusNotFound:
		return fmt.Errorf("%s answers %s", a.endpoint.Endpoint, a.status)
	}
	return nil
}

// ask returns the answers of the channel's orderers that have a block.
func (p *puller) ask(ctx context.Context, number uint64) (having []answer, err error) {
	var asked []string
	var open undecidedErrors
	for a := range p.inTime(ctx, number) {
		if number < a.height {
			having = append(having, a)
		}
		asked = append(asked, a.endpoint.Endpoint)
		if err := a.undecided(); err != nil {
			open = append(open, err)
		}
	}
	switch {
	case len(having) > 0:
		return having, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case len(open) > 0:
		return nil, fmt.Errorf("no orderer that reports its height has it, and %w", open)
	}
	return nil, fmt.Errorf("%w: none of %s has it", session.ErrNoBlock, strings.Join(asked, ", "))
}

// inTime yields the answers of orderers: all of them, or those that arrive within stagger
// after the first from an orderer that has the block.
func (p *puller) inTime(ctx context.Context, number uint64) iter.Seq[answer] {
	return func(yield func(answer) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var asking sync.WaitGroup
		defer asking.Wait()
		defer cancel()
		answers := make(chan answer, len(p.endpoints))
		for _, e := range p.endpoints {
			asking.Go(func() { answers <- p.answer(ctx, e) })
		}
		var enough <-chan time.Time
		for range p.endpoints {
			select {
			case a := <-answers:
				if !yield(a) {
					return
				}
				if enough == nil && number < a.height {
					enough = time.After(stagger)
				}
			case <-enough:
				return
			}
		}
	}
}

// undecidedErrors are the reasons why orderers may have a block although they did not report it.
type undecidedErrors []error

func (u undecidedErrors) Error() string {
	var texts []string
	for _, err := range u {
		texts = append(texts, err.Error())
	}
	return strings.Join(slices.Sorted(slices.Values(texts)), ", ")
}

func (u undecidedErrors) Unwrap() []error { return u }

// Others asks all other orderers of the channel for their height.
func (p *puller) Others(ctx context.Context) (all []session.Answer) {
	for _, a := range p.answers(ctx, p.others(ctx)) {
		reported := session.Answer{From: a.endpoint.Endpoint, Height: machine.BlockNumber(a.height), Err: a.err}
		if reported.Err == nil && a.height == 0 && a.status != fabric.StatusNotFound {
			reported.Err = fmt.Errorf("it answers %s", a.status)
		}
		all = append(all, reported)
	}
	return all
}

// others returns the addresses that are not this orderer's. Names are resolved
// concurrently; an address whose name does not resolve in time counts as another orderer's.
func (p *puller) others(ctx context.Context) (all []cluster.EndpointCriteria) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	own := make([]bool, len(p.endpoints))
	var resolving sync.WaitGroup
	for i, e := range p.endpoints {
		resolving.Go(func() { own[i] = p.address.is(ctx, e.Endpoint) })
	}
	resolving.Wait()
	for i, e := range p.endpoints {
		if !own[i] {
			all = append(all, e)
		}
	}
	return all
}

// answers asks orderers concurrently, and returns their answers in the same order.
func (p *puller) answers(ctx context.Context, endpoints []cluster.EndpointCriteria) []answer {
	all := make([]answer, len(endpoints))
	var asking sync.WaitGroup
	for i, e := range endpoints {
		asking.Go(func() { all[i] = p.answer(ctx, e) })
	}
	asking.Wait()
	return all
}

// answer asks an orderer for its newest block.
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

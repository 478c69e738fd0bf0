package consenter

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

const (
	// stagger is how long other orderers have to answer once one has that has the block.
	stagger = 300 * time.Millisecond
	// slowAfter is how long an orderer may take to give a block before another is asked beside it.
	slowAfter = 2 * time.Second
)

// Block returns a block that another orderer has. The one that the block before came from
// is asked first. When it fails, or takes long, those that have the block are asked
// as well, in any order: the next one whenever one has failed or taken long. The first
// block that holds counts.
func (p *puller) Block(ctx context.Context, number uint64) (*fabric.Block, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &pull{puller: p, ctx: ctx, number: number, given: make(chan given), having: make(chan having)}
	defer r.work.Wait()
	defer cancel()
	if p.stream.has(number) {
		r.first = p.stream
		r.start(p.stream)
		p.stream = nil
	} else {
		r.ask()
	}
	return r.run()
}

// pull is a block that orderers are asked for, one beside the other.
type pull struct {
	puller *puller
	ctx    context.Context // ends with the pull
	number uint64
	first  *stream // that was asked first; nil before

	given   chan given
	having  chan having
	work    sync.WaitGroup
	running []*stream
	asked   bool     // who has the block was
	asking  bool     // and is not known yet
	left    []answer // that have the block, and were not asked for it
	failed  []error
}

type given struct {
	stream *stream
	block  *fabric.Block
	err    error
}

type having struct {
	all []answer
	err error
}

func (r *pull) run() (*fabric.Block, error) {
	slow := time.NewTimer(r.puller.patience)
	defer slow.Stop()
	defer func() {
		for _, s := range r.running {
			s.close()
		}
	}()
	for {
		select {
		case <-slow.C:
			r.next()
			slow.Reset(r.puller.patience)
		case h := <-r.having:
			r.found(h)
			slow.Reset(r.puller.patience)
		case g := <-r.given:
			if r.take(g) {
				return g.block, nil
			}
			r.next()
			slow.Reset(r.puller.patience)
		case <-r.ctx.Done():
			return nil, errors.Join(append(r.failed, r.ctx.Err())...)
		}
		if len(r.running) == 0 && !r.asking {
			return nil, errors.Join(r.failed...)
		}
	}
}

// next asks another orderer for the block, or who has it.
func (r *pull) next() {
	switch {
	case len(r.left) > 0:
		a := r.left[0]
		r.left = r.left[1:]
		r.start(r.puller.open(a, r.number))
	case !r.asked:
		r.ask()
	}
}

// ask asks who has the block.
func (r *pull) ask() {
	r.asked, r.asking = true, true
	r.work.Go(func() {
		all, err := r.puller.ask(r.ctx, r.number)
		select {
		case r.having <- having{all, err}:
		case <-r.ctx.Done():
		}
	})
}

// found takes who has the block. The one that was asked first is not asked again.
func (r *pull) found(h having) {
	r.asking = false
	if h.err != nil {
		r.failed = append(r.failed, h.err)
		return
	}
	rand.Shuffle(len(h.all), func(i, j int) { h.all[i], h.all[j] = h.all[j], h.all[i] })
	r.left = slices.DeleteFunc(h.all, func(a answer) bool {
		return slices.ContainsFunc(r.running, func(s *stream) bool { return s.from.Endpoint == a.endpoint.Endpoint })
	})
	r.next()
}

// start waits for the next block of a stream.
func (r *pull) start(s *stream) {
	if r.first == nil {
		r.first = s
	}
	r.running = append(r.running, s)
	r.work.Go(func() {
		b, err := s.next(r.ctx)
		select {
		case r.given <- given{s, b, err}:
		case <-r.ctx.Done():
		}
	})
}

// take verifies what an orderer gave, and keeps its stream if it holds.
func (r *pull) take(g given) bool {
	r.running = slices.DeleteFunc(r.running, func(s *stream) bool { return s == g.stream })
	err := g.err
	from := g.stream.from.Endpoint
	if err != nil {
		err = fmt.Errorf("orderer %s does not give block %d: %w", from, r.number, err)
	} else if err = r.puller.verify(r.number, g.block); err != nil {
		err = fmt.Errorf("what an orderer gave does not hold: orderer %s, %w", from, err)
	}
	if err != nil {
		g.stream.close()
		r.failed = append(r.failed, err)
		r.puller.logger.Warnw("Could not take a block of another orderer", "block", r.number, "error", err)
		return false
	}
	r.keep(g)
	return true
}

// keep takes the next blocks from the same stream. Orderers are given more time when others
// were asked beside the first in vain: the blocks are large, or the links slow.
func (r *pull) keep(g given) {
	p := r.puller
	if len(r.running) > 0 && g.stream == r.first {
		p.patience = min(2*p.patience, max(p.timeout, slowAfter))
	}
	p.stream, p.last = g.stream, g.block.Header
}

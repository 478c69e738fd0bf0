package pull

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
	// stagger is how long other orderers have to answer once one that has the block has answered.
	stagger = 300 * time.Millisecond
	// defaultSlowAfter is how long an orderer may take to send a block before another is asked as well.
	defaultSlowAfter = 2 * time.Second
)

// Block returns a block from another orderer. The source of the previous block is asked
// first. When it fails or is slow, other orderers that have the block are asked as well, in
// random order: one more each time that an orderer fails or is slow. Block returns the first
// valid block.
func (p *puller) Block(ctx context.Context, number uint64) (*fabric.Block, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &pull{puller: p, ctx: ctx, number: number, responses: make(chan response), holders: make(chan holders)}
	defer r.abandon() // a stream that is being opened has its connection only when its request has ended
	defer r.work.Wait()
	defer cancel()
	if p.stream.has(number) {
		r.first = p.stream
		r.start(p.stream)
		p.stream = nil
	} else {
		p.Close() // it has no more blocks
		r.ask()
	}
	return r.run()
}

// abandon closes the streams that were asked and did not give the block.
func (r *pull) abandon() {
	for _, s := range r.running {
		s.close()
	}
}

// pull is a request for one block, sent to several orderers if necessary.
type pull struct {
	puller *puller
	ctx    context.Context // ends with the pull
	number uint64
	first  *stream // the first that was asked; nil before that

	responses chan response
	holders   chan holders
	work      sync.WaitGroup
	running   []*stream
	asked     bool     // orderers were asked which of them have the block
	asking    bool     // which of them have it is not known yet
	left      []answer // of orderers that have the block and were not asked for it
	failed    []error
}

// response is what a stream returned for the block.
type response struct {
	stream *stream
	block  *fabric.Block
	err    error
}

// holders are the orderers that have the block.
type holders struct {
	all []answer
	err error
}

func (r *pull) run() (*fabric.Block, error) {
	slow := time.NewTimer(r.puller.slowAfter)
	defer slow.Stop()
	for {
		select {
		case <-slow.C:
			r.next()
			slow.Reset(r.puller.slowAfter)
		case h := <-r.holders:
			r.found(h)
			slow.Reset(r.puller.slowAfter)
		case g := <-r.responses:
			if r.take(g) {
				return g.block, nil
			}
			r.next()
			slow.Reset(r.puller.slowAfter)
		case <-r.ctx.Done():
			return nil, errors.Join(append(r.failed, r.ctx.Err())...)
		}
		if len(r.running) == 0 && !r.asking {
			return nil, errors.Join(r.failed...)
		}
	}
}

// next asks one more orderer for the block, or which orderers have it.
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

// ask asks which orderers have the block.
func (r *pull) ask() {
	r.asked, r.asking = true, true
	r.work.Go(func() {
		all, err := r.puller.ask(r.ctx, r.number)
		select {
		case r.holders <- holders{all, err}:
		case <-r.ctx.Done():
		}
	})
}

// found records which orderers have the block. Those that are being asked for it are not asked again.
func (r *pull) found(h holders) {
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

// start requests the next block of a stream, in a goroutine.
func (r *pull) start(s *stream) {
	if r.first == nil {
		r.first = s
	}
	r.running = append(r.running, s)
	r.work.Go(func() {
		b, err := s.next(r.ctx)
		select {
		case r.responses <- response{s, b, err}:
		case <-r.ctx.Done():
		}
	})
}

// take verifies a response, and keeps its stream if the block is valid.
func (r *pull) take(g response) bool {
	r.running = slices.DeleteFunc(r.running, func(s *stream) bool { return s == g.stream })
	err := g.err
	from := g.stream.from.Endpoint
	if err != nil {
		err = fmt.Errorf("no block %[2]d from orderer %[1]s: %[3]w", from, r.number, err)
	} else if err = r.puller.verify(r.number, g.block); err != nil {
		err = fmt.Errorf("invalid block from orderer %s: %w", from, err)
	}
	if err != nil {
		g.stream.close()
		r.failed = append(r.failed, err)
		r.puller.logger.Warnw("Could not pull a block from another orderer", "block", r.number, "error", err)
		return false
	}
	r.keep(g)
	return true
}

// keep makes the stream the source of the next blocks. If other orderers were asked as well
// and the first one still answered first, the blocks are large or the links slow, so
// orderers get more time from now on.
func (r *pull) keep(g response) {
	p := r.puller
	if len(r.running) > 0 && g.stream == r.first {
		p.slowAfter = min(2*p.slowAfter, max(p.timeout, defaultSlowAfter))
	}
	p.stream, p.last = g.stream, g.block.Header
}

package chain

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/status"
	"github.com/fabric-kafka/orderer/chain/verdict"
)

// ForkAlarm is what happens when another orderer has published blocks of a channel that differ from this orderer's.
type ForkAlarm string

const (
	ForkWarn ForkAlarm = "warn" // the event reports it; the default
	ForkStop ForkAlarm = "stop" // and the channel stops
	ForkOff  ForkAlarm = "off"  // nothing is compared
)

// hashes caches the hashes of the ledger's blocks, which never change: each is read once, and
// kept as long as it is asked for. It is safe for concurrent use.
type hashes struct {
	support Support

	mu          sync.Mutex
	before, now map[uint64]log.BlockHash // asked for in the last turn, and in this one
}

// turn forgets what was not asked for since the last turn.
func (h *hashes) turn() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before, h.now = h.now, map[uint64]log.BlockHash{}
}

// of returns the hash of a block, and false if the ledger does not have the block.
func (h *hashes) of(number uint64) (hash log.BlockHash, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if hash, ok = h.now[number]; ok {
		return hash, true
	}
	if hash, ok = h.before[number]; !ok {
		hash, ok = h.read(number)
	}
	if ok {
		h.now[number] = hash
	}
	return hash, ok
}

func (h *hashes) read(number uint64) (log.BlockHash, bool) {
	if number >= h.support.Height() { // Fabric's ledger would wait for it
		return log.BlockHash{}, false
	}
	b := h.support.Block(number)
	if b.GetHeader() == nil {
		return log.BlockHash{}, false
	}
	return log.NewBlockHash(number, protoutil.BlockHeaderHash(b.Header)), true
}

// published returns the hashes that an orderer publishes whose last block is last.
func (h *hashes) published(last uint64) (all []log.BlockHash) {
	for _, number := range log.Checkpoints(last) {
		if hash, ok := h.of(number); ok {
			all = append(all, hash)
		}
	}
	return all
}

// compare compares the ledger with what other orderers published. An error is why the
// channel stops. What cannot be read is asked for again until the next check is due, and
// then reported; what can be read is compared at once.
func (c *Chain) compare(ctx context.Context, topic log.Log) error {
	if c.opts.ForkAlarm == ForkOff || c.opts.Member == "" || c.opts.Members == "" {
		return nil
	}
	until := time.Now().Add(c.opts.CheckInterval)
	for {
		published, err := topic.Published(ctx, c.opts.Members)
		if c.life.Err() != nil || errors.Is(err, log.ErrClosed) {
			return nil
		}
		found := c.comparison(published)
		// What fails at every check is asked for once per check, as long as it fails.
		last := err == nil || c.incomplete || ctx.Err() != nil || time.Until(until) <= compareAgain
		if last || len(found.Forks) > 0 {
			c.opts.Events.Compared(found, err)
		}
		if last {
			c.incomplete = err != nil
		}
		if len(found.Forks) > 0 && c.opts.ForkAlarm == ForkStop {
			return status.Fault{Cause: status.CauseFork, Err: found.Forks[0]}
		}
		if last || !sleep(ctx, compareAgain) {
			return nil
		}
	}
}

// compareAgain is how soon others are asked again when one of the brokers has not answered what they published.
const compareAgain = 5 * time.Second

// comparison compares the ledger with what others have published.
func (c *Chain) comparison(published []log.Progress) log.Comparison {
	found := log.Comparison{Alone: len(verdict.OrdererAddresses(c.support.ConfigtxValidator().ConfigProto())) < 2}
	for _, p := range published {
		if p.Member != c.opts.Member && log.Named(p.Member) && c.life.Err() == nil {
			c.compareWith(p, &found)
		}
	}
	return found
}

// compareWith adds one member. This orderer's own group is not compared: it may hold what
// was published before the ledger was removed and recreated, and is replaced at once.
func (c *Chain) compareWith(p log.Progress, found *log.Comparison) {
	found.Published++
	own := log.Progress{Member: c.opts.Member}
	for _, theirs := range p.Hashes {
		if ours, ok := c.hashes.of(theirs.Number); ok {
			own.Hashes = append(own.Hashes, ours)
		}
	}
	if len(own.Hashes) > 0 {
		found.Compared++
	}
	if fork, forked := log.ForkOf(own, p); forked {
		found.Forks = append(found.Forks, fork)
	}
}

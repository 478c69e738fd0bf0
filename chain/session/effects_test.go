package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/ahead"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
)

// A block that the disk has no room for is held back, and written by a later session.
func TestBlocksAreHeldBackForRoom(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a", "b", "c", "d")
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.room = errors.New("the disk is full")
	outcome, err := r.advance(t.Context())
	r.followed(outcome, err, session.Retry, "the disk is full")
	r.ends(session.Retry, "the disk is full")
	r.holds("")
	r.room = nil
	r.reads()
	r.holds("a b; c d")
}

// A topic that was recreated between two fetches is read without an error: before a block is written the reader is
// asked which topic its records belong to.
func TestNoRecordOfAnotherTopicGetsIntoABlock(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a")
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	records := r.broker.Values(channelID)
	r.broker.Recreate(channelID)
	r.broker.Write(channelID, records...)
	r.orders("x")
	outcome, err := r.advance(t.Context())
	r.followed(outcome, err, session.Reconnect)
	r.ends(session.Stop, "is not the same as before")
	r.holds("")
}

// counted is a reader that counts how often it is asked for its source.
type counted struct {
	*ahead.Reader
	asked *int
}

func (c counted) Source(ctx context.Context) (string, error) {
	*c.asked++
	return c.Reader.Source(ctx)
}

// aheadReader takes records ahead, and counts the questions about their source.
type aheadReader struct {
	*ahead.Reader
	asked int
}

// readsAhead has the driver read through readers that take records when the test has them do so; it returns the newest.
func (r *rig) readsAhead() *aheadReader {
	newest := &aheadReader{}
	r.reader = func(inner log.Reader) log.Reader {
		newest.Reader = ahead.New(inner, session.DecodeAhead)
		return counted{newest.Reader, &newest.asked}
	}
	return newest
}

// One answer about the source holds for all records that had been taken when it was asked for, and for no other.
func TestSourceIsAskedOncePerWhatWasTaken(t *testing.T) {
	r := newRig(t)
	reader := r.readsAhead()
	r.reads()
	r.orders("a", "b", "c", "d", "e", "f", "g", "h")
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 6 { // three blocks
		reader.Take(t.Context())
	}
	if _, err := r.advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.holds("a b; c d; e f; g h")
	if reader.asked != 2 {
		t.Errorf("asked %d times for the source of three blocks taken together and one that was not", reader.asked)
	}
}

// Once a record that was taken may no longer be the log's, an answer that was given before does not count.
func TestSourceIsAskedAgainOfAReaderThatHasLapsed(t *testing.T) {
	r := newRig(t)
	reader := r.readsAhead()
	r.reads()
	r.orders("a", "b", "c", "d")
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		reader.Take(t.Context())
	}
	for range 2 {
		if _, err := r.driver.Advance(t.Context(), t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	r.broker.Stop()
	reader.Take(t.Context())
	outcome, err := r.advance(t.Context())
	r.followed(outcome, err, session.Retry)
	r.holds("a b")
	if reader.asked != 2 {
		t.Errorf("asked %d times, want once for each block", reader.asked)
	}
	r.broker.Resume()
	r.reads()
	r.holds("a b; c d")
}

// What was not decoded ahead, since it makes code of Fabric panic, is decoded by the driver.
func TestRecordsThatWereNotDecodedAhead(t *testing.T) {
	r := newRig(t)
	r.reader = func(inner log.Reader) log.Reader {
		return ahead.New(inner, func(log.Record) any { return nil })
	}
	r.reads()
	r.orders("a", "b")
	r.reads()
	r.holds("a b")
}

// A record is settled once it is in a block, or is in none and nothing before it is pending.
func TestSettled(t *testing.T) {
	r := newRig(t)
	if got := r.driver.Settled(); got != 0 {
		t.Errorf("%d is settled before the first session", got)
	}
	settled := func(want machine.Offset) {
		t.Helper()
		r.reads()
		if got := r.driver.Settled(); got != want {
			t.Errorf("records before %d are settled, want those before %d", got, want)
		}
	}
	settled(1) // the description
	r.broker.Write(channelID, []byte("garbage"))
	settled(2)
	r.orders("a") // nothing is, as long as the ledger has no block
	settled(0)
	r.broker.Write(channelID, []byte("garbage"))
	settled(0)
	r.orders("b")
	settled(5)
	r.orders("c")
	settled(5)
	r.room = errors.New("the disk is full")
	r.orders("d")
	r.ends(session.Retry, "the disk is full")
	r.room = nil
	settled(7)
	r.holds("a b; c d")
}

// What is held back is in no block.
func TestNothingIsSettledThatIsHeldBack(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a", "b")
	if err := r.driver.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.room = errors.New("the disk is full")
	outcome, err := r.advance(t.Context())
	if r.driver.Settled() != 0 {
		t.Errorf("records before %d are settled", r.driver.Settled())
	}
	r.followed(outcome, err, session.Retry, "the disk is full")
}

// The machine continues at the config that a config block has put in force.
func TestConfigBlocks(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a")
	r.configures("k", 0)
	r.orders("b", "c")
	r.reads()
	r.holds("a; config; b c")
	if r.seq != 1 {
		t.Errorf("config sequence %d", r.seq)
	}
}

// A channel that a config block gives another consensus type has stopped here.
func TestMigratedChannelStops(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.configures("etcdraft", 0)
	r.kind = "etcdraft"
	outcome, err := r.read()
	if !errors.Is(err, session.ErrMigrated) {
		t.Error(err)
	}
	r.followed(outcome, err, session.Stop, `by block 1, with consensus type "etcdraft"`)
	r.holds("config")
}

// A verdict that this build cannot give stops the channel before the record; one that
// refuses it skips it.
func TestVerdicts(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.configures("k", 0)
	r.verdict = machine.Verdict{Refusal: "no majority"}
	r.reads()
	r.holds("")
	if len(r.skipped) != 1 || r.skipped[0] != "refused@1" {
		t.Errorf("skipped: %v", r.skipped)
	}
	r.verdict = machine.Verdict{Stop: "capability V9_9"}
	r.configures("k", 0)
	r.ends(session.Stop, "capability V9_9")
	r.holds("")
}

// The timer runs for the block that is pending, and for no other.
func TestTimerOfThePendingBlock(t *testing.T) {
	r := newRig(t)
	r.reads()
	r.orders("a")
	r.reads()
	if r.armed != 1 {
		t.Errorf("the timer runs for block %d", r.armed)
	}
	r.orders("b")
	r.reads()
	if r.armed != 0 {
		t.Errorf("the timer runs for block %d, and nothing is pending", r.armed)
	}
}

// A topic that is another channel's has a description that says so.
func TestForeignDescriptionStopsTheChannel(t *testing.T) {
	r := newRig(t)
	value, err := session.DescriptionRecord(machine.Start{Channel: "theirs", GenesisHash: []byte("genesis")}, machine.Strict, log.Identity{})
	if err != nil {
		t.Fatal(err)
	}
	r.broker.Write(channelID, value)
	r.ends(session.Stop, "theirs")
}

// A description that could not be appended is appended by the next session.
func TestDescribesUntilItIsRead(t *testing.T) {
	r := newRig(t)
	r.append = &log.Error{Class: log.Retryable, Err: errors.New("no leader")}
	r.ends(session.Retry, "describe the topic")
	r.append = nil
	r.reads()
	m, err := record.Decode(r.broker.Values(channelID)[0])
	if err != nil || m.GetConnect() == nil {
		t.Errorf("the first record is %v, %v", m, err)
	}
}

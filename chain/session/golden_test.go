package session_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hyperledger/fabric/common/flogging"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/log/memlog"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session"
	"github.com/fabric-kafka/orderer/chain/session/golden"
)

// replay is one of our orderers, reading a recording.
type replay struct {
	*channel
	driver *session.Driver
	vector *golden.Vector
}

func eachVector(t *testing.T, f func(*testing.T, *golden.Vector)) {
	for _, name := range golden.Names {
		t.Run(name, func(t *testing.T) {
			v, err := golden.Read(filepath.Join("testdata", "golden", name))
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Records) < 200 || len(v.Headers) < 50 || len(v.Blocks) != len(v.Headers) {
				t.Fatalf("%d records, %d headers, %d blocks: the recording is not whole", len(v.Records), len(v.Headers), len(v.Blocks))
			}
			f(t, v)
		})
	}
}

func newReplay(t *testing.T, v *golden.Vector, records [][]byte, m memory) *replay {
	b := memlog.NewBroker()
	b.Write(v.Name, records...)
	topic := b.Open(v.Name, log.Settings{})
	return &replay{channel: newChannel(t, v.Name, v.Genesis, topic, m), vector: v}
}

// boot creates the driver for the ledger as it is.
func (r *replay) boot() {
	r.driver = session.New(r.host(), r.start(), session.Settings{AllowUndescribed: true}, session.Events{})
	r.must(r.driver.Connect(context.Background()))
}

// advance reads one record.
func (r *replay) advance() {
	r.t.Helper()
	_, err := r.driver.Advance(context.Background(), context.Background())
	r.must(err)
}

// next reads one record; false at the end of the topic.
func (r *replay) next() bool {
	r.t.Helper()
	bounds, err := r.log.Bounds(context.Background())
	r.must(err)
	if log.Offset(r.driver.NextOffset()) >= bounds.End {
		return false
	}
	r.advance()
	return true
}

// check compares our block n with the recorded one. An in-tree orderer forgets the third field
// of the metadata at a restart, so ours may not know it: third reports whether it is compared.
func (r *replay) check(n int, third bool) {
	r.t.Helper()
	want, b := r.vector.Headers[n], r.blocks[n]
	header := hex.EncodeToString(protoutil.BlockHeaderHash(b.Header))
	data := hex.EncodeToString(b.Header.DataHash)
	if header != want.HeaderHash || data != want.DataHash {
		r.t.Fatalf("block %d has header hash %s and data hash %s, recorded are %s and %s", n, header, data, want.HeaderHash, want.DataHash)
	}
	m, err := record.DecodeMetadata(r.values[n])
	r.must(err)
	got := golden.Metadata{Persisted: m.LastOffsetPersisted, Processed: m.LastOriginalOffsetProcessed, Resubmitted: m.LastResubmittedConfigOffset}
	expected := golden.Metadata{}
	if want.Metadata != nil {
		expected = *want.Metadata
	}
	if !third {
		got.Resubmitted = expected.Resubmitted
	}
	if got != expected {
		r.t.Fatalf("block %d has metadata %+v, recorded is %+v", n, got, expected)
	}
}

// TestGoldenBlocks: from the records of real in-tree orderers, our orderer writes blocks with their headers, data and
// metadata, and no others.
func TestGoldenBlocks(t *testing.T) {
	eachVector(t, func(t *testing.T, v *golden.Vector) {
		r := newReplay(t, v, v.Records, newMemory())
		r.boot()
		for r.next() {
		}
		if len(r.blocks) != len(v.Headers) {
			t.Fatalf("%d blocks, recorded are %d", len(r.blocks), len(v.Headers))
		}
		for n := 1; n < len(r.blocks); n++ {
			r.check(n, true)
		}
	})
}

// print returns what decides how a machine continues. What the compatible rules know of
// config copies in flight shows in metadata only.
func print(m *machine.Machine, third bool) string {
	s := m.State()
	s.Marks.Shown, s.Marks.Overflow = 0, false
	if !third {
		s.Marks.Resubmitted = 0
	}
	return fmt.Sprint(s)
}

// states returns the states of one run over a recording, by next offset.
func states(r *replay, third bool) map[machine.Offset]string {
	all := map[machine.Offset]string{}
	r.boot()
	for r.next() {
		all[r.driver.NextOffset()] = print(r.driver.Machine(), third)
	}
	return all
}

// TestGoldenRestarts: restarted at every block of the recordings, on the blocks
// that in-tree orderers wrote and on our own, ours ends with the recorded hashes.
// A run is followed until its state is that of the run that never stopped.
func TestGoldenRestarts(t *testing.T) {
	for _, ours := range []bool{true, false} {
		eachVector(t, func(t *testing.T, v *golden.Vector) {
			m := newMemory()
			steady := newReplay(t, v, v.Records, m)
			want, metadata := states(steady, ours), steady.values
			if !ours {
				metadata = values(t, v)
			}
			slow := 0
			for height := 2; height < len(v.Blocks); height++ {
				r := newReplay(t, v, v.Records, m)
				r.takeOver(height, metadata)
				slow = max(slow, r.rejoin(height, want, ours))
			}
			t.Logf("ours=%v: %d restarts, at most %d records until the state was the same", ours, len(v.Blocks)-2, slow)
		})
	}
}

// takeOver makes a ledger of the recorded blocks below height, with the metadata of each.
func (r *replay) takeOver(height int, values [][]byte) {
	r.blocks, r.values = slices.Clone(r.vector.Blocks[:height]), slices.Clone(values[:height])
	r.configure(r.blocks[r.vector.Headers[height-1].LastConfig])
}

// values returns the metadata of the recorded blocks, as in-tree orderers wrote them.
func values(t *testing.T, v *golden.Vector) (all [][]byte) {
	for _, b := range v.Blocks {
		m, err := protoutil.GetConsenterMetadataFromBlock(b)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.Value)
	}
	return all
}

// rejoin runs until the state is as wanted, and returns how many records that took.
func (r *replay) rejoin(height int, want map[machine.Offset]string, third bool) int {
	r.t.Helper()
	r.boot()
	from := r.driver.NextOffset()
	for r.next() {
		if print(r.driver.Machine(), third) == want[r.driver.NextOffset()] {
			break
		}
	}
	for n := height; n < len(r.blocks); n++ {
		r.check(n, third)
	}
	if at := r.driver.NextOffset(); print(r.driver.Machine(), third) != want[at] {
		r.t.Fatalf("restarted after block %d, at offset %d:\n%s, want\n%s", height-1, at, print(r.driver.Machine(), third), want[at])
	}
	return int(r.driver.NextOffset() - from)
}

// TestGoldenRecordsAreVerified: a ledger is not continued on a topic whose records are not those that
// its last block was made from, whoever wrote the block.
func TestGoldenRecordsAreVerified(t *testing.T) {
	eachVector(t, func(t *testing.T, v *golden.Vector) {
		m := newMemory()
		steady := newReplay(t, v, v.Records, m)
		states(steady, true)
		half := len(v.Records) / 2
		turned := append(slices.Clone(v.Records[half:]), v.Records[:half]...)
		taken, tried := 0, 0
		for height := 2; height < len(v.Blocks); height += 7 {
			if r := newReplay(t, v, turned, m); !r.refuses(height, steady.values) {
				t.Errorf("block %d of ours was continued on another log", height-1)
			}
			tried++
			if r := newReplay(t, v, turned, m); !r.refuses(height, values(t, v)) {
				taken++
			}
		}
		// A block of an in-tree orderer has no digest; its envelopes are found
		// where the compatible rules have put copies of them.
		if taken*10 > tried {
			t.Errorf("%d of %d in-tree blocks were continued on another log", taken, tried)
		}
	})
}

// refuses reports whether a ledger stops at once.
func (r *replay) refuses(height int, values [][]byte) bool {
	r.takeOver(height, values)
	e := session.New(r.host(), r.start(), session.Settings{AllowUndescribed: true}, session.Events{})
	err := e.Connect(context.Background())
	return err != nil && e.After(err) == session.Stop
}

func TestMain(m *testing.M) {
	flogging.ActivateSpec("fatal") // Fabric's filters log what they refuse
	m.Run()
}

package log

import (
	"bytes"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestCheckpoints(t *testing.T) {
	for last, want := range map[uint64][]uint64{
		0:   {0},
		1:   {1, 0},
		2:   {2, 1, 0},
		16:  {16, 15, 0},
		300: {300, 299, 288, 272, 256, 0},
	} {
		if got := Checkpoints(last); !slices.Equal(got, want) {
			t.Errorf("last block %d: got %v, want %v", last, got, want)
		}
	}
}

// newestShared returns the newest block that is in both lists.
func newestShared(a, b []uint64) (uint64, bool) {
	for _, n := range a {
		if slices.Contains(b, n) {
			return n, true
		}
	}
	return 0, false
}

// Two orderers publish a block that both have; its age is bounded by the distance between them.
func TestCheckpointsAreShared(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 20000 {
		low := random.Uint64() >> random.Intn(64)
		high := low + 1 + random.Uint64()>>(1+random.Intn(63))
		if high < low {
			continue
		}
		shared, ok := newestShared(Checkpoints(low), Checkpoints(high))
		if !ok || shared > low || float64(low-shared) >= 16*float64(high-low) {
			t.Fatalf("last blocks %d and %d share %d, %t", low, high, shared, ok)
		}
	}
}

// What is published stays far below Kafka's limit for any block number.
func TestHashesFit(t *testing.T) {
	for last, limit := range map[uint64]int{1_000_000: 600, math.MaxUint32: 1000, math.MaxUint64: 2400} {
		p := Progress{Block: last, At: time.Now(), Rules: "undescribed", ConfigSeq: math.MaxUint64, Config: "0123456789abcdef"}
		for _, n := range Checkpoints(last) {
			p.Hashes = append(p.Hashes, NewBlockHash(n, bytes.Repeat([]byte{0xff}, 32)))
		}
		if n := len(p.Text()); n > limit {
			t.Errorf("%d bytes for block %d, want at most %d", n, last, limit)
		}
		if got := ParseProgress("m", 1, p.Text()); !reflect.DeepEqual(got.Hashes, p.Hashes) {
			t.Errorf("block %d: got %v", last, got.Hashes)
		}
	}
}

// Hashes that no orderer would write are ignored, and the rest is parsed as before.
func TestHostileHashes(t *testing.T) {
	const rules = "block=9 at=2026-11-23T21:48:05Z rules=strict config=4:abc"
	const h = "0123456789abcdef0123456789abcdef"
	want := ParseProgress("m", 1, rules)
	for _, hashes := range []string{
		"", ",", "9", "9:", ":" + h, "9:" + h + ",", "9:" + h[1:], "9:" + h + "00", "9:" + strings.ToUpper(h), "-9:" + h, "+9:" + h, "0x9:" + h,
		"8:" + h, "10:" + h, "9:" + h + ",9:" + h, "9:" + h + ",8:" + h + ",8:" + h, "9:" + h + ",10:" + h, "9:" + h + ";8:" + h,
		"18446744073709551625:" + h, "9:" + strings.Repeat("z", 32), "9:" + h + "\n,8:" + h, "9:" + h + "\x00", strings.Repeat("9:", 5000),
	} {
		if got := ParseProgress("m", 1, rules+" hashes="+hashes); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v", hashes, got)
		}
	}
	for _, text := range []string{"hashes=9:" + h, "block=9 at=2026-11-23T21:48:05Z hashes=9:" + h, "block=9 at=never rules=strict config=4:abc hashes=9:" + h} {
		if got := ParseProgress("m", 1, text); got.Hashes != nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	if got := ParseProgress("m", 1, rules+" hashes=9:"+h+" more=1"); len(got.Hashes) != 1 || got.Hashes[0] != (BlockHash{9, h}) {
		t.Errorf("what a later release appends hides the hashes: %+v", got)
	}
}

func TestManyHashes(t *testing.T) {
	var items []string
	for n := maxHashes; n >= 0; n-- {
		items = append(items, fmt.Sprintf("%d:%032x", n, n))
	}
	if got := parseHashes(strings.Join(items, ","), maxHashes); got != nil {
		t.Errorf("%d hashes are accepted", len(got))
	}
	if got := parseHashes(strings.Join(items[1:], ","), maxHashes-1); len(got) != maxHashes {
		t.Errorf("%d of %d hashes are accepted", len(got), maxHashes)
	}
}
